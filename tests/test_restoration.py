"""Windows in time give what the whole shot gives."""

import functools

import jax
import numpy as np
import pytest
import small

from adavsr_jax import pixels, restoration

PARAMS = small.params()


@jax.jit
def _network(lr):
    _, hr = small.MODEL.apply({"params": PARAMS}, pixels.to_float(lr)[None])
    return pixels.to_uint8(hr[0])


@pytest.mark.parametrize("count", [1, 2, 12, 13, 14, 17])
def test_windows_equal_the_whole(count):
    lr = small.clips(1, 17, 16)[0][:count]
    frames, _ = small.MODEL.radius
    restore = functools.partial(restoration.restore, _network, lr, radius=frames)
    windowed = np.stack(list(restore(window=3)))
    whole = np.asarray(_network(lr))
    assert windowed.shape == whole.shape == (2 * count - 1, 64, 64, 3)
    np.testing.assert_array_equal(windowed, whole)
