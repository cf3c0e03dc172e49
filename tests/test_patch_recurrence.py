"""Kernels from patches that recur: laws, and pictures that do recur across scales."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small

from adavsr_jax import degradation, kernels, patch_recurrence, pixels

_KEY = jax.random.key(0)
_find = small.jit(patch_recurrence.estimate)
_BLURS = {"narrow": (1.0, 1.0, 0.0), "wide": (3.2, 3.2, 0.0), "slant": (3.2, 1.0, 0.3)}
_NO_DETAIL = np.full((2, 40, 40, 3), 90, np.uint8)


@functools.cache
def _sharp():
    """Dead leaves, `[2, 256, 384, 3]`: disks whose sizes follow the law of all scales.

    The number of disks falls with the cube of the radius, as in Lee, Mumford and Huang
    (IJCV 2001); each hides what lies below it.
    """
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:256, :384].astype(np.float32)
    frames = np.full((2, 256, 384), 0.5, np.float32)
    for frame in frames:
        for _ in range(1500):
            radius = 3 / np.sqrt(1 - rng.random() * (1 - (3 / 100) ** 2))
            top, left = rng.random(2) * (256, 384)
            rows = slice(max(int(top - radius), 0), int(top + radius) + 2)
            columns = slice(max(int(left - radius), 0), int(left + radius) + 2)
            y_part, x_part = y[rows, columns], x[rows, columns]
            inside = (y_part - top) ** 2 + (x_part - left) ** 2 <= radius**2
            frame[rows, columns][inside] = rng.random()
    return np.repeat(frames[..., None], 3, axis=-1)


@functools.cache
def _shot(name):
    kernel = kernels.gaussian(*_BLURS[name])
    return pixels.to_uint8(jax.jit(degradation.blur_and_reduce)(_sharp(), kernel))


@functools.cache
def _estimate(name):
    return np.asarray(_find(_shot(name), _KEY))


def _covariance(kernel):
    y, x = np.meshgrid(kernels.OFFSETS, kernels.OFFSETS, indexing="ij")
    return np.array([[(kernel * a * b).sum() for a in (x, y)] for b in (x, y)])


def _error(found, kernel):
    return np.linalg.norm(found - kernel) / np.linalg.norm(kernel)


@pytest.mark.parametrize("name", _BLURS)
def test_is_a_kernel_symmetric_and_never_negative(name):
    found = _estimate(name)
    kernels.check(found, name)
    assert found.dtype == np.float32
    assert found.min() >= 0
    np.testing.assert_array_equal(found, found[::-1, ::-1])


@pytest.mark.parametrize("name", _BLURS)
def test_is_nearer_than_what_it_knows_without_a_picture(name):
    true = kernels.gaussian(*_BLURS[name])
    blind = _find(_NO_DETAIL, _KEY)
    assert _error(_estimate(name), true) < 0.9 * _error(blind, true)


def test_wide_and_slanted_are_told_apart():
    narrow, wide, slant = (_covariance(_estimate(name)) for name in _BLURS)
    assert np.trace(wide) > np.trace(narrow) + 2
    variances, axes = np.linalg.eigh(slant)
    assert variances[1] > 1.3 * variances[0]
    angle = np.arctan2(axes[1, 1], axes[0, 1]) % np.pi
    np.testing.assert_allclose(angle, _BLURS["slant"][2], atol=0.3)


def test_a_transposed_shot_has_the_transposed_kernel():
    # Not to the bit: other patches are drawn.
    transposed = _find(jnp.swapaxes(_shot("slant"), 1, 2), _KEY)
    assert _error(transposed, _estimate("slant").T) < 0.15
    assert _error(transposed, _estimate("slant")) > 0.3


def test_a_key_decides_which_patches_are_drawn():
    again = _find(_shot("wide"), _KEY)
    np.testing.assert_array_equal(again, _estimate("wide"))
    other = _find(_shot("wide"), jax.random.key(1))
    assert 0 < _error(other, again) < 0.15


def test_the_smallest_frames_suffice():
    kernels.check(_find(np.full((1, 12, 12, 3), 7, np.uint8), _KEY), "smallest")


def test_the_depth_of_codes_does_not_matter():
    deep = _find(np.asarray(_shot("wide")).astype(np.uint16) * 257, _KEY)
    np.testing.assert_array_equal(deep, _estimate("wide"))


def test_types_are_never_promoted_silently():
    with jax.numpy_dtype_promotion("strict"):
        _find(_NO_DETAIL, _KEY)


@pytest.mark.parametrize("shape", [(4, 11, 64, 3), (4, 64, 11, 3), (64, 64, 3)])
def test_frames_that_hold_no_window_are_refused(shape):
    with pytest.raises(ValueError, match="12 x 12 or more; got"):
        patch_recurrence.estimate(np.zeros(shape, np.uint8), _KEY)
