"""The command as a person meets it: refusing, stopped, going on, telling its plans."""

import os
import shutil
import signal
import subprocess
import sys
import time

import av
import commands
import numpy as np
import odd_inputs
import pytest
import untrained

from adavsr_jax import video


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags, words",
    [
        (["--kernel=bicubic", "--weights=w", "--output=o"], "no trained weights in w"),
        (["--kernel=sharp", "--weights=w", "--output=o"], "unknown kernel 'sharp'"),
        (["--kernel=k.npy", "--weights=w", "--output=o"], "k.npy: no such kernel"),
        (
            ["--estimator_weights=e", "--weights=w", "--output=o"],
            "weights in e: config",
        ),
        (["--estimator=guess", "--weights=w", "--output=o"], "network|recurrence|spec"),
        (["--adapt_steps=-1", "--weights=w", "--output=o"], "adapt_steps"),
        (["--adapt_steps=101", "--weights=w", "--output=o"], "range [0, 100]"),
        (["--weights=w", "--output=."], "not numbered frames"),
        (["--weights=w", "--output=out.gif"], "cannot write .gif"),
        (["--output=out.mp4", "--size=640"], "expected WIDTHxHEIGHT"),
        (["--output=out.mp4", "--size=33x31"], "even sizes"),
        (["--output=out.mp4", "--frames=7:3"], "FIRST below END"),
        (["--output=out.mp4", "--frames=9:"], "no frames"),
        (["--output=out.mp4", "--memory=0"], "GiB above 0"),
        (["--output=out.mp4", "--memory=inf"], "GiB above 0"),
        (["--output=out.mp4", "--memory=1e-6"], "give more with --memory"),
        (["--output=out.mp4", "--preview=p.jpg"], "must end in .png"),
        (["--output=o", "--preview=o/p.png"], "choose another place"),
        (
            ["--output=out.mp4", "--codec=divx"],
            "--codec=divx: unknown; use one of h264",
        ),
        (["--output=out.webm", "--codec=h264"], "cannot hold libx264"),
        (["--output=out.mp4", "--crf=99"], "numbers from 0 to 51"),
        (["--output=frames", "--crf=9"], "is of videos"),
        (["--output=out.mp4", "--adapt=scene"], "shot|video|none"),
    ],
)
def test_bad_flags_get_one_line(tmp_path, pytestconfig, flags, words):
    (tmp_path / "kept.txt").touch()
    video.write(tmp_path / "in.mp4", np.zeros((2, 8, 8, 3), np.uint8), 10)
    before = sorted(tmp_path.iterdir())
    done = subprocess.run(
        [sys.executable, "-m", "experiments.super_resolve", "--input=in.mp4", *flags],
        cwd=tmp_path,
        env={"PYTHONPATH": str(pytestconfig.rootpath), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and words in line
    assert sorted(tmp_path.iterdir()) == before


@pytest.fixture(scope="module", name="place")
def _place(tmp_path_factory):
    """Weights in `run`, 480 frames with sound in `in.mp4`, restored in `whole.mp4`."""
    place = tmp_path_factory.mktemp("place")
    (place / "run").mkdir()
    untrained.save(place / "run", untrained.weights().config)
    odd_inputs.encode(place / "in.mp4", odd_inputs.clip(480), sound=True)
    done = commands.run("experiments.super_resolve", *_arguments(place))
    assert done.returncode == 0, done.stderr
    (place / "out.mp4").rename(place / "whole.mp4")
    return place


@pytest.fixture(name="fresh")
def _fresh(place):
    """The same, with nothing of an earlier test's output."""
    shutil.rmtree(place / "out.mp4.part", ignore_errors=True)
    (place / "out.mp4").unlink(missing_ok=True)
    return place


def _arguments(place, *more):
    names = {"input": "in.mp4", "output": "out.mp4", "weights": "run"}
    flags = [f"--{flag}={place / name}" for flag, name in names.items()]
    return [*flags, "--kernel=bicubic", "--adapt_steps=1", *more]


def _start(place):
    # Tests that run in the background are deaf to it, and so would their children be.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return commands.start("experiments.super_resolve", *_arguments(place))


def _wait_for(path, command):
    deadline = time.monotonic() + 120
    while not path.exists() and time.monotonic() < deadline:
        assert command.poll() is None, command.communicate()
        time.sleep(0.01)
    assert path.exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_stopped_command_goes_on(fresh, number):
    output, part = fresh / "out.mp4", fresh / "out.mp4.part"
    command = _start(fresh)
    _wait_for(part / "000003.mkv", command)
    sent = time.monotonic()
    command.send_signal(number)
    _, told = command.communicate()
    # Two seconds are promised; here other tests want the same cores.
    assert time.monotonic() - sent < 8
    if number == signal.SIGKILL:
        assert command.returncode == -signal.SIGKILL
    else:
        assert command.returncode == 75
        assert told == "interrupted: give the same command to go on\n"
    assert not output.exists() and (part / "000002.mkv").exists()
    done = commands.run("experiments.super_resolve", *_arguments(fresh))
    assert done.returncode == 0, done.stderr
    assert "goes on after input frame" in done.stdout
    assert not part.exists()
    with av.open(str(output)) as found, av.open(str(fresh / "whole.mp4")) as whole:
        pairs = list(zip(found.decode(video=0), whole.decode(video=0), strict=True))
    assert len(pairs) == 2 * 480 - 1
    for resumed, undisturbed in pairs:
        assert resumed.pts == undisturbed.pts
        np.testing.assert_array_equal(resumed.to_ndarray(), undisturbed.to_ndarray())


@pytest.mark.slow
def test_who_stops_at_once_leaves_nothing(fresh):
    command = _start(fresh)
    _wait_for(fresh / "out.mp4.part" / "journal", command)
    command.send_signal(signal.SIGINT)
    command.communicate()
    assert command.returncode == 75
    assert sorted(path.name for path in fresh.iterdir()) == [
        "in.mp4",
        "run",
        "whole.mp4",
    ]


@pytest.mark.slow
def test_other_settings_do_not_go_on_by_accident(fresh):
    part = fresh / "out.mp4.part"
    command = _start(fresh)
    _wait_for(part / "000001.mkv", command)
    command.kill()
    command.communicate()
    flags = _arguments(fresh, "--crf=20")
    done = commands.run("experiments.super_resolve", *flags)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "was begun with encoding" in line and "begin again with --overwrite" in line
    assert (part / "000000.mkv").exists()
    done = commands.run("experiments.super_resolve", *flags, "--overwrite")
    assert done.returncode == 0 and "goes on" not in done.stdout


@pytest.mark.slow
def test_a_full_disk_is_told_and_costs_nothing(fresh):
    # No file may grow so large as the result: it fails to be put together.
    most = (fresh / "whole.mp4").stat().st_size // 2
    limit = "import resource, runpy, sys; sys.argv[0] = 'super_resolve'; "
    limit += f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most})); "
    limit += "runpy.run_module('experiments.super_resolve', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", limit, *_arguments(fresh)],
        cwd=commands.ROOT,
        env=os.environ | {"JAX_NUM_CPU_DEVICES": "1", "XDG_CACHE_HOME": "/dev/null"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert "could not be written" in line
    assert not (fresh / "out.mp4").exists()
    # The pieces are there still: with room for the whole it is only put together.
    done = commands.run("experiments.super_resolve", *_arguments(fresh))
    assert done.returncode == 0 and "goes on after input frame" in done.stdout


@pytest.mark.slow
def test_a_dry_run_tells_and_leaves_nothing(fresh):
    before = sorted(path.name for path in fresh.iterdir())
    flags = ("--dry_run", "--memory=0.05", "--frames=:100", "--size=100x80")
    done = commands.run("experiments.super_resolve", *_arguments(fresh, *flags))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].endswith(
        "about 100 frames of 64 x 48, 12.000 a second, 8 bits, 420"
    )
    assert "100 x 80, 24.000 frames a second, libx264 yuv420p" in lines[1]
    assert lines[2].startswith("passes: ") and "GiB on 1 x cpu" in lines[2]
    assert lines[3].startswith("time: about ") and "frames in a second" in lines[4]
    assert sorted(path.name for path in fresh.iterdir()) == before
