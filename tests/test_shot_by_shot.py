"""Algorithm 2 on files: counts, cuts, resuming. Weights are real, if untrained."""

import contextlib
import dataclasses
import fractions
import io

import jax
import numpy as np
import pytest
import small
import untrained

from adavsr_jax import degradation, kernels, passes, pixels, video
from experiments import estimators, shot_by_shot, streaming, trained, work_folder

_RATE = fractions.Fraction(10)
_KERNEL = np.asarray(kernels.gaussian(1.6, 1.2, 0.5))
_KNOWN = estimators.known(_KERNEL, "known")


@pytest.fixture
def weights():
    return untrained.weights()


def _shot(seed, frames):
    """`uint8 [frames, 24, 32, 3]`: a drawing seen through fog, near black or white."""
    clip = small.clips(seed + 1, frames, 32)[seed, :, :24]
    return clip // 16 + np.uint8(200 * (seed % 2))


def _restored(folder, weights, lr, steps=0, blur=_KNOWN, **asked):
    """The frames that come of `lr`, or of what it was, and the lines that are told."""
    if lr is not None:
        video.write(folder / "in", lr, _RATE, overwrite=True)
    request = streaming.Request(
        folder / "in", folder / "out", steps=steps, overwrite=True, **asked
    )
    told = io.StringIO()
    count = streaming.restore(request, weights, blur, told)
    frames = video.read(folder / "out").frames
    assert len(frames) == count
    assert sorted(path.name for path in folder.iterdir()) == ["in", "out"]
    lines = told.getvalue().splitlines()
    return frames, [line for line in lines if not line.startswith("frame ")]


def _by_tone(lr):
    """A blur for dark shots and another one for bright ones."""
    bright = bool(lr.mean() > 128)
    kernel = kernels.gaussian(3.0, 3.0, 0.0) if bright else kernels.disk(2)
    return estimators.Found(np.asarray(kernel), f"bright: {bright}", False)


def test_shots_are_restored_apart(tmp_path, weights):
    # restore(A B) = restore(A), A's last frame again, restore(B); B adapts afresh.
    a, b = _shot(0, 3), _shot(1, 3)
    blur = estimators.Estimator("by tone", _by_tone)
    whole, lines = _restored(tmp_path, weights, np.concatenate([a, b]), 1, blur)
    first, _ = _restored(tmp_path, weights, a, 1, blur)
    second, _ = _restored(tmp_path, weights, b, 1, blur)
    assert whole.shape == (2 * 6 - 1, 96, 128, 3)
    np.testing.assert_array_equal(whole, np.concatenate([first, first[-1:], second]))
    assert lines[0].startswith("shot 1, from frame 0 at 0.00 s: blur: bright: False;")
    assert lines[1].startswith("shot 2, from frame 3 at 0.12 s: blur: bright: True; ")
    assert all("1 of 1 steps, held-out patches +" in line for line in lines[:2])


def test_one_shot_may_teach_them_all(tmp_path, weights):
    a, b = _shot(0, 3), _shot(1, 5)
    blur = estimators.Estimator("by tone", _by_tone)
    both = np.concatenate([a, b])
    whole, lines = _restored(tmp_path, weights, both, 1, blur, adapt="video")
    second, _ = _restored(tmp_path, weights, b, 1, blur)
    np.testing.assert_array_equal(whole[6:], second)
    assert lines[0].startswith("learned from 5 frames near the middle: blur: bright: T")


def test_nothing_may_be_learned(tmp_path, weights):
    a = _shot(0, 3)
    asked, lines = _restored(tmp_path, weights, a, 2, adapt="none")
    np.testing.assert_array_equal(asked, _restored(tmp_path, weights, a)[0])
    assert "blur: known; not adapted" in lines[0]


def test_steps_that_held_out_patches_do_not_choose_leave_no_trace(tmp_path, weights):
    uphill = weights.config.copy_and_resolve_references()
    uphill.inner.tsr_step_size = uphill.inner.ssr_step_size = -0.05
    uphill = dataclasses.replace(weights, config=uphill)
    found, lines = _restored(tmp_path, uphill, _shot(0, 3), 2)
    assert "blur: known; 0 of 2 steps, held-out patches +0.00 dB" in lines[0]
    as_they_are, lines = _restored(tmp_path, weights, _shot(0, 3))
    assert "not adapted" in lines[0]
    np.testing.assert_array_equal(found, as_they_are)


def test_given_frames_are_moved_toward_the_input(weights):
    # Close to the bicubic: beyond black and white there is nothing to move.
    calm = jax.tree.map(lambda leaf: leaf / 10, weights.params)
    lr = small.clips(1, 3, 32)[0, :, :24] // 2 + np.uint8(64)
    before, after = (
        np.stack(list(weights.restore(calm, lr, _KERNEL, back_projections=times)))
        for times in (0, 3)
    )
    # Frames between have no input; compiled apart, a value may round the other way.
    assert np.abs(after[1::2].astype(int) - before[1::2]).max() <= 1
    reduce = lambda frames: degradation.blur_and_reduce(frames, _KERNEL)
    gap = lambda frames: reduce(pixels.to_float(frames[::2])) - pixels.to_float(lr)
    assert np.abs(gap(after)).mean() < 0.5 * np.abs(gap(before)).mean()


def test_a_shot_of_one_frame_is_restored(tmp_path, weights):
    frames, lines = _restored(
        tmp_path, weights, np.concatenate([_shot(0, 1), _shot(1, 3)]), steps=1
    )
    assert len(frames) == 2 * 4 - 1
    assert "not adapted" in lines[0] and "1 of 1 steps" in lines[1]
    np.testing.assert_array_equal(frames[0], frames[1])


@pytest.mark.parametrize("keep, count", [(False, 1), (True, 2)])
def test_one_frame_is_a_video_too(tmp_path, weights, keep, count):
    frames, _ = _restored(tmp_path, weights, _shot(0, 1), keep_duration=keep)
    assert len(frames) == count


def test_the_duration_may_be_kept(tmp_path, weights):
    frames, _ = _restored(tmp_path, weights, _shot(0, 4), keep_duration=True)
    assert len(frames) == 8
    np.testing.assert_array_equal(frames[6], frames[7])


def test_a_part_is_restored_as_if_it_were_all(tmp_path, weights):
    lr = np.concatenate([_shot(0, 3), _shot(1, 5)])
    part, _ = _restored(tmp_path, weights, lr, span=(2, 7))
    np.testing.assert_array_equal(part, _restored(tmp_path, weights, lr[2:7])[0])


def test_another_size_is_made_from_the_whole(tmp_path, weights):
    frames, _ = _restored(tmp_path, weights, _shot(0, 3), size=(50, 61))
    assert frames.shape == (5, 50, 61, 3)
    whole, _ = _restored(tmp_path, weights, _shot(0, 3))
    assert abs(frames.mean() - whole.mean()) < 2


class _Killed(BaseException):
    pass


@contextlib.contextmanager
def _killed_after(pieces):
    """What is within is killed before piece `pieces`, from 0, is noted."""
    add = work_folder.Work.add

    def killing(work, piece):
        if len(work.pieces) == pieces:
            raise _Killed
        add(work, piece)

    with pytest.MonkeyPatch.context() as patched, pytest.raises(_Killed):
        patched.setattr(work_folder.Work, "add", killing)
        yield


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_killed_run_goes_on(tmp_path, weights, monkeypatch, after):
    # Pieces of two windows of a frame each: many of them in few frames.
    monkeypatch.setattr(shot_by_shot, "_PIECE", 2)
    monkeypatch.setattr(passes, "_LONGEST", 1)
    lr = np.concatenate([_shot(0, 5), _shot(1, 4)])
    asked = {"steps": 1}
    undisturbed, _ = _restored(tmp_path, weights, lr, **asked)
    with _killed_after(after):
        _restored(tmp_path, weights, None, **asked)
    left = (tmp_path / "out.part").exists()
    assert left == (after > 0)
    resumed, lines = _restored(tmp_path, weights, None, **asked)
    assert any("goes on after input frame" in line for line in lines) == left
    np.testing.assert_array_equal(resumed, undisturbed)


def _plans(window):
    return lambda *_, **__: (passes.Plan(window, 24, 32), 0)


@pytest.mark.parametrize("after, window", [(1, 1), (2, 3)])
def test_a_run_may_go_on_with_other_memory(
    tmp_path, weights, monkeypatch, after, window
):
    monkeypatch.setattr(shot_by_shot, "_PIECE", 2)
    lr = np.concatenate([_shot(0, 7), _shot(1, 4)])
    monkeypatch.setattr(trained.Trained, "plan", _plans(2))
    undisturbed, _ = _restored(tmp_path, weights, lr)
    with _killed_after(after):
        _restored(tmp_path, weights, None)
    monkeypatch.setattr(trained.Trained, "plan", _plans(window))
    request = {"memory": 2**30}
    resumed, lines = _restored(tmp_path, weights, None, **request)
    assert any(f"goes on after input frame {2 * after}" in line for line in lines)
    # As near as windows are to a whole: programs of other shapes round otherwise.
    np.testing.assert_allclose(resumed.astype(int), undisturbed, atol=1)
    assert np.mean(resumed != undisturbed) < 1e-3
