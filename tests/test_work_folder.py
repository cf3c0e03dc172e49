"""A result gets its place, and nothing that a person put there meanwhile is lost."""

import io
import os

import filelock
import numpy as np
import odd_inputs
import pytest
import untrained

from adavsr_jax import kernels, video
from experiments import cli, estimators, method, streaming, targets, work_folder

_KNOWN = estimators.known(np.asarray(kernels.bicubic()), "known")


@pytest.fixture(name="place")
def _place(tmp_path):
    video.write(tmp_path / "in", odd_inputs.clip(3, 24, 32), 10)
    return tmp_path


def _restore(place, output="out", **asked):
    asked = {"steps": 0} | asked
    request = streaming.Request(place / "in", place / output, **asked)
    return streaming.restore(request, untrained.weights(), _KNOWN, io.StringIO())


def _meanwhile(monkeypatch, target, happens):
    """Lets something happen at the end of the work, before the result is in place."""
    finish = target.finish

    def late(*arguments):
        made = finish(*arguments)
        happens()
        return made

    monkeypatch.setattr(target, "finish", late)
    return finish


def _forbidden(*_, **__):
    raise AssertionError("restored anew")


@pytest.mark.parametrize(
    "output, theirs, words, overwrite",
    [
        ("out.mp4", "out.mp4", "exists already", False),
        ("out", "out/000000.png", "exists already", False),
        ("out", "out/notes.txt", "not numbered frames", False),
        ("out", "out/notes.txt", "not numbered frames", True),
    ],
)
def test_what_came_meanwhile_is_kept(
    place, monkeypatch, output, theirs, words, overwrite
):
    def comes():
        (place / theirs).parent.mkdir(exist_ok=True)
        (place / theirs).write_text("mine")

    target = targets.FolderTarget if output == "out" else targets.VideoTarget
    finish = _meanwhile(monkeypatch, target, comes)
    with pytest.raises(cli.InputError, match=words) as caught:
        _restore(place, output, overwrite=overwrite)
    assert str(place / f"{output}.part") in str(caught.value)
    assert ("or give it with --overwrite" in str(caught.value)) != overwrite
    assert (place / theirs).read_text() == "mine"
    # Out of the way, it makes room for what was restored already.
    (place / theirs).rename(place / "mine")
    monkeypatch.setattr(target, "finish", finish)
    monkeypatch.setattr(method.Method, "restore", _forbidden)
    assert _restore(place, output, overwrite=overwrite) == 5
    assert len(list(video.frames(place / output))) == 5
    names = sorted(path.name for path in place.iterdir())
    assert names == ["in", "mine", output]


def test_old_frames_are_replaced_where_that_is_asked_for(place):
    video.write(place / "out", odd_inputs.clip(9, 96, 128), 10)
    assert _restore(place, overwrite=True) == 5
    assert len(list(video.frames(place / "out"))) == 5


@pytest.mark.parametrize("output", ["out", "out.mp4"])
def test_a_link_stays_and_what_it_leads_to_is_made(place, output):
    (place / "far").mkdir()
    if output == "out":
        (place / "far/out").mkdir()
    (place / output).symlink_to(place / "far" / output)
    assert _restore(place, output) == 5
    assert (place / output).is_symlink()
    assert len(list(video.frames(place / "far" / output))) == 5
    assert sorted(path.name for path in place.iterdir()) == ["far", "in", output]


def test_a_mount_point_is_refused_at_the_start(place, monkeypatch):
    (place / "out").mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: path == place / "out")
    monkeypatch.setattr(method.Method, "restore", _forbidden)
    with pytest.raises(cli.InputError, match=r"mount point.*out/frames"):
        _restore(place)


@pytest.mark.parametrize("preview", ["out/p.png", "out.part/p.png"])
def test_a_preview_inside_the_output_is_refused_at_the_start(place, preview):
    with pytest.raises(cli.InputError, match="--preview=.* choose another place"):
        _restore(place, preview=place / preview)
    assert [path.name for path in place.iterdir()] == ["in"]


def test_nobody_tidies_the_folder_of_a_running_command(tmp_path):
    output, part = tmp_path / "out", tmp_path / "out.part"
    work = work_folder.Work(output, {"plan": 1}, anew=False)
    work._let_go()
    with filelock.FileLock(part / "lock"):
        work_folder.tidy(output)
        assert (part / "journal").exists()
    work_folder.tidy(output)
    assert not part.exists()
    # Who is interrupted tidies what it holds itself.
    work = work_folder.Work(output, {"plan": 1}, anew=False)
    work_folder.tidy(output)
    assert not part.exists()
    work._let_go()
