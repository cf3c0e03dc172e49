"""Builds of shards by many processes, stopped at any moment and gone on with.

A build under way is watched through its working folder.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import time

import commands
import filelock
import numpy as np
import pytest
from PIL import Image

from adavsr_jax import manifests, video
from data_prep import building, jobs, photos, workers, workplace


def _arguments(source, output, *flags):
    return [
        "data_prep.build_shards",
        "--dataset=photos",
        f"--source={source}",
        f"--output={output}",
        *flags,
    ]


def _files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _noise(seed, sizes):
    return np.random.default_rng(seed).integers(0, 256, sizes, np.uint8)


@pytest.fixture(name="stills", scope="module")
def _stills(tmp_path_factory):
    """Two photographs: twelve clips, each slow enough to be caught at."""
    folder = tmp_path_factory.mktemp("stills")
    for seed in range(2):
        Image.fromarray(_noise(seed, (400, 400, 3))).save(folder / f"{seed}.png")
    return folder


_SHARDS = 12
_PHOTOS = ["--size=160", "--clips_per_photo=6", "--clips_per_shard=1"]


@pytest.fixture(name="whole", scope="module")
def _whole(stills, tmp_path_factory):
    """What one worker makes of the photographs, undisturbed."""
    output = tmp_path_factory.mktemp("whole") / "shards"
    done = commands.run(*_arguments(stills, output, *_PHOTOS, "--workers=1"))
    assert (done.returncode, done.stderr) == (0, "")
    return _files(output)


def _done(work):
    """The shards that are whole, and when each was written."""
    names = [path.stem for path in (work / "records").rglob("*.json")]
    return {name: (work / "shards" / name).stat().st_mtime_ns for name in names}


def _kill_after(shards, source, output, *flags):
    """Kills a build once so many shards are done; returns these.

    On a busy machine it may be over before this is noticed: then once more.
    """
    work = output.with_name(f"{output.name}.building")
    for _ in range(10):
        command = commands.start(*_arguments(source, output, *flags))
        while command.poll() is None and _count(work) < shards:
            time.sleep(0.01)
        command.kill()
        said = command.communicate()  # ends when the workers have ended too
        if not output.exists() and shards <= _count(work) < _SHARDS:
            return work, _done(work)
        assert command.returncode in (0, -signal.SIGKILL), said
        for folder in (output, work):
            shutil.rmtree(folder, ignore_errors=True)
    raise AssertionError("every time the build was over too soon")


def _count(work):
    return sum(1 for _, _, names in os.walk(work / "records") for _ in names)


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 3])
def test_shards_are_the_same_for_any_number_of_workers(stills, whole, tmp_path, count):
    output = tmp_path / "shards"
    flags = [*_PHOTOS, f"--workers={count}"]
    assert commands.run(*_arguments(stills, output, *flags)).returncode == 0
    assert _files(output) == whole


def _film(path, seed, num_frames, size=(24, 32), **kwargs):
    """A video of smooth colours that change enough to be moving."""
    small = np.random.default_rng(seed).uniform(0, 255, (2, 3, 4, 3))
    weights = np.linspace(0, 1, num_frames)[:, None, None, None]
    blend = (1 - weights) * small[0] + weights * small[1]
    large = blend.repeat(size[0] // 3, axis=1).repeat(size[1] // 4, axis=2)
    video.write(path, large.astype(np.uint8), 24, **kwargs)


@pytest.mark.slow
def test_videos_are_the_same_too_and_one_more_leaves_the_others_read(tmp_path):
    source = tmp_path / "films"
    source.mkdir()
    for seed, num_frames in enumerate((9, 13, 6)):
        _film(source / f"{seed}.mp4", seed, num_frames)
    (source / "3.mp4").write_bytes(b"no video")
    flags = ["--min_size=20", "--frames=4", "--clips_per_shard=2"]
    for count in (1, 2):
        command = _arguments(source, tmp_path / f"by{count}", *flags)
        told = commands.run(*command, "--dataset=videos", f"--workers={count}")
        assert told.returncode == 2
        assert re.fullmatch(r"error: [^\n]*3\.mp4[^\n]*\n", told.stderr)
    # A worker read all that came before; of two, one may have been at it still.
    assert len(list((tmp_path / "by1.building" / "sources").iterdir())) == 3
    _film(source / "3.mp4", 3, 8, overwrite=True)
    made = []
    for count in (1, 2):
        output = tmp_path / f"by{count}"
        command = _arguments(source, output, *flags)
        told = commands.run(*command, "--dataset=videos", f"--workers={count}")
        assert (told.returncode, told.stderr) == (0, "")
        made.append(_files(output))
    assert made[0] == made[1]
    ids = json.loads(made[0][manifests.FILE])["splits"]["train"]
    assert ids == [f"{film}#{first}" for film, first in _expected()]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["by1", "by2", "films"]


def _expected():
    return [
        (f"{film}.mp4", first)
        for film, num_frames in enumerate((9, 13, 6, 8))
        for first in range(0, num_frames - 3, 4)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_a_killed_build_goes_on_and_makes_nothing_twice(stills, whole, tmp_path, count):
    output = tmp_path / "shards"
    flags = [*_PHOTOS, f"--workers={count}"]
    work, done = _kill_after(2, stills, output, *flags)
    assert 2 <= len(done) < _SHARDS
    # Of the first to be found whole one is cut short, as a lost write would.
    first, *others = done
    shard = work / "shards" / first
    shard.write_bytes(shard.read_bytes()[:-9])
    again = commands.run(*_arguments(stills, output, *flags))
    assert (again.returncode, again.stderr) == (0, "")
    assert _files(output) == whole
    for name in others:
        assert (output / name).stat().st_mtime_ns == done[name]
    assert (output / first).stat().st_mtime_ns != done[first]
    assert [path.name for path in tmp_path.iterdir()] == ["shards"]


@pytest.mark.slow
def test_another_request_is_refused_and_a_changed_source_is_read_again(
    stills, tmp_path
):
    source, output = tmp_path / "stills", tmp_path / "shards"
    source.mkdir()
    for path in stills.iterdir():
        (source / path.name).write_bytes(path.read_bytes())
    flags = [*_PHOTOS, "--workers=1"]
    work, done = _kill_after(1, source, output, *flags)
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*.array_record*")}
    told = commands.run(*_arguments(source, output, *flags, "--seed=1"))
    assert told.returncode == 2 and told.stderr.count("\n") == 1
    assert "--seed=1" in told.stderr and "begun with --seed=0" in told.stderr
    told = commands.run(*_arguments(stills, output, *flags))
    assert told.returncode == 2 and "begun with --source=" in told.stderr
    for path, written in before.items():
        assert path.parent.name == "halves" or path.stat().st_mtime_ns == written
    Image.fromarray(_noise(9, (400, 400, 3))).save(source / "0.png")
    assert commands.run(*_arguments(source, output, *flags)).returncode == 0
    fresh = tmp_path / "fresh"
    assert commands.run(*_arguments(source, fresh, *flags)).returncode == 0
    assert _files(output) == _files(fresh)


def test_how_far_it_is_is_told_now_and_then(stills, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(workers, "_REPORT_SECONDS", 0.05)
    settings = {"frames": 3, "size": 32, "clips_per_photo": 40, "seed": 0}
    split = photos.read(stills, **settings)
    for name in ("shards", jobs.HALVES):
        (tmp_path / name).mkdir()
    with workers.start(1) as crew:
        building.write(tmp_path, {"train": split}, crew, clips_per_shard=8)
    told = capsys.readouterr().err.splitlines()
    pattern = r"(\d+) of 80 clips, \d+\.\d clips/s, (\d+) of 10 shards done"
    far = [tuple(map(int, re.fullmatch(pattern, line).groups())) for line in told]
    assert far == sorted(far) and len(far) > 1
    assert all(clips >= 8 * shards for clips, shards in far)


def test_a_worker_that_is_ended_from_outside_is_one_line(tmp_path):
    # Asked for the files of its part, this one ends.
    job = jobs.Job(tmp_path, "shards/a", [9], _many, os._exit)
    ended = pytest.raises(OSError, match="a worker process was ended from outside")
    with ended, workers.start(2) as crew:
        crew.do([job], lambda *_: "")


def test_a_build_killed_while_it_clears_away_is_whole(tmp_path):
    output, request = tmp_path / "shards", {"seed": 0}
    with workplace.claim(output, request) as work:
        (work / workplace.SHARDS / manifests.FILE).write_text("{}")
        record = work / jobs.RECORDS / "a.json"
        jobs.write_json(record, {"ids": ["a"]}, work / jobs.HALVES)
        (work / workplace.SHARDS).rename(output)
        raised = pytest.raises(ValueError, match="exists and is not an empty folder")
        left = tmp_path / "left"
        shutil.copytree(work, left)
    assert not work.exists()
    left.rename(work)
    with workplace.claim(output, request) as nothing:
        assert nothing is None
    assert [path.name for path in tmp_path.iterdir()] == ["shards"]
    with raised, workplace.claim(output, request):
        pass


def test_two_builds_of_one_output_are_one_too_many(stills, tmp_path):
    work = tmp_path / "shards.building"
    work.mkdir()
    with filelock.FileLock(work / "lock"):
        told = commands.run(*_arguments(stills, tmp_path / "shards", *_PHOTOS))
    assert told.returncode == 2 and told.stderr.count("\n") == 1
    assert "another build" in told.stderr and "is at work there" in told.stderr
    assert [path.name for path in work.iterdir()] == ["lock"]


def test_a_folder_of_someone_else_is_left_alone(stills, tmp_path):
    work = tmp_path / "shards.building"
    work.mkdir()
    (work / "mine.txt").write_text("keep")
    told = commands.run(*_arguments(stills, tmp_path / "shards", *_PHOTOS))
    assert told.returncode == 2 and "not of our making" in told.stderr
    assert [path.name for path in work.iterdir()] == ["mine.txt"]


def _resident():
    """MiB that this process holds now."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def _many(parts, dropped):
    del dropped
    for part in parts:
        yield part, _noise(int(part), (7, 64, 64, 3))


def test_a_worker_holds_a_clip_at_a_time(tmp_path):
    if not pathlib.Path("/proc/self/status").exists():
        pytest.skip("needs /proc to know the memory of a process")
    (tmp_path / jobs.HALVES).mkdir()
    seen = []
    parts = [str(number) for number in range(600)]
    job = jobs.Job(tmp_path, "shards/a", parts, _many, lambda part: [])
    record = jobs.do(job, lambda: seen.append(_resident()))
    assert record["ids"] == parts and record["bytes"] > 40 * 2**20
    # 50 MB went through; what a library keeps for itself it has after a few clips.
    assert max(seen[100:]) - seen[100] < 12
    assert jobs.find(job) == json.loads(json.dumps(record))
    assert not any((tmp_path / jobs.HALVES).iterdir())
