"""What every drawn clip must be, whatever the key."""

import jax
import numpy as np
import pytest

from adavsr_jax import rendering

_SIZE = {"frames": 4, "height": 48, "width": 80}


@pytest.fixture(scope="module")
def clips():
    keys = jax.random.split(jax.random.key(1), 48)
    drawn = [rendering.clip(key, **_SIZE) for key in keys]
    return np.stack([np.asarray(clip) for clip in drawn])


def test_clips_are_bytes_of_the_size_asked(clips):
    assert clips.dtype == np.uint8
    assert clips.shape[1:] == (4, 48, 80, 3)


def test_never_static(clips):
    change = np.abs(np.diff(clips.astype(float), axis=1)).mean(axis=(2, 3, 4))
    assert change.min() > 0.5


@pytest.mark.slow
def test_many_frames_move_to_the_last():
    drawn = [
        np.asarray(rendering.clip(key, frames=41, height=32, width=32), float)
        for key in jax.random.split(jax.random.key(2), 6)
    ]
    assert np.abs(np.diff(drawn, axis=1)).mean(axis=(2, 3, 4)).min() > 0.5
    assert np.std(drawn, axis=(2, 3)).max(axis=-1).min() > 8


def test_never_flat_and_rarely_saturated(clips):
    assert clips.std(axis=(2, 3)).min() > 8
    assert np.mean((clips == 0) | (clips == 255)) < 0.1


def test_detail_is_sharp_but_not_aliased(clips):
    # Share of each clip's variance above half the Nyquist frequency, along x.
    luma = clips.astype(float).mean(axis=-1)
    luma -= luma.mean(axis=-1, keepdims=True)
    power = np.abs(np.fft.rfft(luma * np.hanning(80), axis=-1)) ** 2
    share = power[..., 20:].sum(axis=(1, 2, 3)) / power.sum(axis=(1, 2, 3))
    assert np.median(share) > 0.02
    assert np.max(share) < 0.4
    # White noise would hold an eighth of its variance in the last five of 41 bins.
    top = power[..., 36:].sum(axis=(1, 2, 3)) / power.sum(axis=(1, 2, 3))
    assert np.max(top) < 0.125 / 3


def test_motion_is_more_than_one_shift(clips):
    # With sheets that move apart, no single whole-picture shift explains a clip.
    def left_over(first, second):
        inner = first[8:-8, 8:-8]
        shifts = [(y, x) for y in range(-7, 8) for x in range(-7, 8)]
        moved = (second[8 + y : 40 + y, 8 + x : 72 + x] for y, x in shifts)
        return min(np.abs(inner - other).mean() for other in moved)

    luma = clips[:12].astype(float).mean(axis=-1)
    assert np.median([left_over(clip[0], clip[2]) for clip in luma]) > 4


def test_same_key_same_clip_other_key_other_clip():
    first, again = (rendering.clip(jax.random.key(7), **_SIZE) for _ in range(2))
    other = rendering.clip(jax.random.key(8), **_SIZE)
    np.testing.assert_array_equal(first, again)
    assert np.abs(np.asarray(first, float) - np.asarray(other, float)).mean() > 10


@pytest.mark.slow
def test_batched_drawing_is_the_same():
    keys = jax.random.split(jax.random.key(3), 3)
    together = jax.vmap(lambda key: rendering.clip(key, **_SIZE))(keys)
    for key, drawn in zip(keys, np.asarray(together), strict=True):
        alone = np.asarray(rendering.clip(key, **_SIZE))
        # Another order of floating-point sums may tip a rounding, seldom.
        assert np.mean(alone != drawn) < 1e-3
