"""Other sizes: means stay, flat stays flat, deep frames as flat ones."""

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
