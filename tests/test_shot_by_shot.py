"""Algorithm 2 on files: counts, cuts, rates. The weights are real, if untrained."""

import dataclasses
import fractions

import jax
import numpy as np
import pytest
import small
import untrained

from adavsr_jax import degradation, kernels, pixels, video
from experiments import estimators, shot_by_shot

_RATE = fractions.Fraction(10)
_KERNEL = np.asarray(kernels.gaussian(1.6, 1.2, 0.5))
_KNOWN = estimators.known(_KERNEL, "known").estimate


@pytest.fixture
def weights():
    return untrained.weights()


def _shot(seed, frames):
    """`uint8 [frames, 24, 32, 3]`: a drawing seen through fog, near black or white."""
    clip = small.clips(seed + 1, frames, 32)[seed, :, :24]
    return clip // 16 + np.uint8(200 * (seed % 2))


def _restored(folder, weights, lr, steps=0, blur=_KNOWN, **settings):
    """The frames that come of `lr`, and the lines told on the way."""
    lines = []
    video.write(folder / "in", lr, _RATE, overwrite=True)
    count = shot_by_shot.restore(
        folder / "in",
        folder / "out",
        weights,
        blur,
        steps,
        overwrite=True,
        tell=lines.append,
        **settings,
    )
    frames = video.read(folder / "out").frames
    assert len(frames) == count
    return frames, lines


def _by_tone(lr):
    """A blur for dark shots and another one for bright ones."""
    bright = bool(lr.mean() > 128)
    kernel = kernels.gaussian(3.0, 3.0, 0.0) if bright else kernels.disk(2)
    return estimators.Found(np.asarray(kernel), f"bright: {bright}", False)


def test_shots_are_restored_apart(tmp_path, weights):
    # restore(A B) = restore(A), A's last frame again, restore(B); B adapts afresh.
    a, b = _shot(0, 3), _shot(1, 3)
    whole, lines = _restored(tmp_path, weights, np.concatenate([a, b]), 1, _by_tone)
    first, _ = _restored(tmp_path, weights, a, 1, _by_tone)
    second, _ = _restored(tmp_path, weights, b, 1, _by_tone)
    assert whole.shape == (2 * 6 - 1, 96, 128, 3)
    np.testing.assert_array_equal(whole, np.concatenate([first, first[-1:], second]))
    assert [line.split(":")[0] for line in lines] == ["shot 1 of 2", "shot 2 of 2"]
    for line, bright in zip(lines, (False, True), strict=True):
        assert f"blur: bright: {bright}; 1 of 1 steps, held-out patches +" in line


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


def test_video_keeps_its_duration(tmp_path, weights):
    video.write(tmp_path / "in.mp4", _shot(0, 3), _RATE)
    shot_by_shot.restore(
        tmp_path / "in.mp4", tmp_path / "out.mkv", weights, _KNOWN, 0, tell=print
    )
    out = video.read(tmp_path / "out.mkv")
    assert out.rate == 2 * _RATE and out.frames.shape == (5, 96, 128, 3)


def test_one_frame_is_not_a_video(tmp_path, weights):
    with pytest.raises(ValueError, match="at least 2"):
        _restored(tmp_path, weights, _shot(0, 1))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
