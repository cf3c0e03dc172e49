"""Algorithm 2 on files: counts, cuts, rates. The weights are real, if untrained."""

import fractions

import numpy as np
import pytest
import small
import untrained

from adavsr_jax import kernels, video
from experiments import shot_by_shot

_RATE = fractions.Fraction(10)
_KERNEL = np.asarray(kernels.bicubic())


@pytest.fixture
def weights():
    return untrained.weights()


def _shot(seed, frames):
    """`uint8 [frames, 24, 32, 3]`: a drawing seen through fog, near black or white."""
    clip = small.clips(seed + 1, frames, 32)[seed, :, :24]
    return clip // 16 + np.uint8(200 * (seed % 2))


def _restored(folder, weights, lr, steps=0):
    """The frames that come of `lr`, and the lines told on the way."""
    lines = []
    video.write(folder / "in", lr, _RATE, overwrite=True)
    count = shot_by_shot.restore(
        folder / "in",
        folder / "out",
        weights,
        _KERNEL,
        steps,
        overwrite=True,
        tell=lines.append,
    )
    frames = video.read(folder / "out").frames
    assert len(frames) == count
    return frames, lines


def test_shots_are_restored_apart(tmp_path, weights):
    # restore(A B) = restore(A), A's last frame again, restore(B); B adapts afresh.
    a, b = _shot(0, 3), _shot(1, 3)
    whole, lines = _restored(tmp_path, weights, np.concatenate([a, b]), steps=1)
    first, _ = _restored(tmp_path, weights, a, steps=1)
    second, _ = _restored(tmp_path, weights, b, steps=1)
    assert whole.shape == (2 * 6 - 1, 96, 128, 3)
    np.testing.assert_array_equal(whole, np.concatenate([first, first[-1:], second]))
    assert [line.split(":")[0] for line in lines] == ["shot 1 of 2", "shot 2 of 2"]


def test_a_shot_of_one_frame_is_restored(tmp_path, weights):
    frames, lines = _restored(
        tmp_path, weights, np.concatenate([_shot(0, 1), _shot(1, 3)]), steps=1
    )
    assert len(frames) == 2 * 4 - 1
    assert "not adapted" in lines[0] and "1 steps" in lines[1]
    np.testing.assert_array_equal(frames[0], frames[1])


def test_video_keeps_its_duration(tmp_path, weights):
    video.write(tmp_path / "in.mp4", _shot(0, 3), _RATE)
    shot_by_shot.restore(
        tmp_path / "in.mp4", tmp_path / "out.mkv", weights, _KERNEL, 0, tell=print
    )
    out = video.read(tmp_path / "out.mkv")
    assert out.rate == 2 * _RATE and out.frames.shape == (5, 96, 128, 3)


def test_one_frame_is_not_a_video(tmp_path, weights):
    with pytest.raises(ValueError, match="at least 2"):
        _restored(tmp_path, weights, _shot(0, 1))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
