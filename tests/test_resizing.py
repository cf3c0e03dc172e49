"""Other sizes: ramps stay where they are, flat stays flat, deep frames as flat."""

import math

import numpy as np
import pytest

from adavsr_jax import resizing

_SMOOTH = np.add.outer(np.arange(40), 2 * np.arange(60)).astype(np.uint8)
_FRAME = np.stack([_SMOOTH, _SMOOTH // 2, 255 - _SMOOTH], axis=-1)


@pytest.mark.parametrize("size", [(20, 30), (41, 59), (80, 120), (1, 1)])
def test_deep_frames_as_flat_ones(size):
    flat = resizing.resize(_FRAME, *size)
    deep = resizing.resize(_FRAME.astype(np.uint16) * 257, *size)
    assert flat.shape == deep.shape == (*size, 3)
    assert np.abs(deep / 257 - flat).max() <= 1
    assert np.abs(flat.mean(axis=(0, 1)) - _FRAME.mean(axis=(0, 1))).max() < 2


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("size", [(20, 30), (41, 59), (33, 100), (160, 240)])
def test_a_ramp_is_the_same_line_at_the_new_centres(size, axis):
    slope, first, old, new = 800, 3000, (40, 60)[axis], size[axis]
    line = first + slope * np.arange(old)
    ramp = np.broadcast_to(np.expand_dims(line, 1 - axis), (40, 60))
    found = resizing.resize(ramp.astype(np.uint16), *size)
    centres = (np.arange(new) + 0.5) * old / new - 0.5
    wanted = np.expand_dims(first + slope * centres, 1 - axis)
    # Further in than three lobes, where no tap is cut off by a border.
    border = math.ceil(3 * max(new / old, 1)) + 1
    error = np.moveaxis(np.abs(found - wanted), axis, 0)[border:-border]
    assert error.size and error.max() <= 0.025 * slope + 1  # Lanczos ripples


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("size", [(20, 30), (41, 59), (80, 100)])
def test_a_mirrored_frame_becomes_the_mirrored_result(size, axis, dtype):
    most = np.iinfo(dtype).max
    frame = np.random.default_rng(0).integers(0, most, (40, 60, 3), dtype)
    found = resizing.resize(np.flip(frame, axis), *size)
    np.testing.assert_array_equal(found, np.flip(resizing.resize(frame, *size), axis))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_flat_stays_flat_and_a_plane_a_plane(dtype):
    plane = np.full((9, 7), 200, dtype)
    assert (resizing.resize(plane, 5, 30) == 200).all()
    assert resizing.resize(plane, 5, 30).shape == (5, 30)
    assert resizing.resize(plane, 9, 7) is plane


def test_fine_detail_does_not_turn_coarse():
    checks = (255 * (np.indices((64, 64)).sum(axis=0) % 2)).astype(np.uint8)
    small = resizing.resize(checks, 24, 24)[3:-3, 3:-3]
    assert np.abs(small.astype(int) - 127).max() <= 12
