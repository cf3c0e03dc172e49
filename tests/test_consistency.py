"""Back-projection: what reduces to the input already stays, all else comes nearer."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small

from adavsr_jax import consistency, degradation, kernels, resampling

_KERNELS = [
    kernels.bicubic(),
    kernels.gaussian(1.2, 1.2, 0.0),
    kernels.gaussian(2.4, 1.2, 0.7),
    kernels.gaussian(3.2, 3.2, 0.0),
]
_reduce = small.jit(degradation.blur_and_reduce)
_back_project = small.jit(consistency.back_project, static_argnames="times")


def _frames(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def _smooth(*shape, seed=0):
    """A random start without detail: LR noise made larger."""
    *lead, height, width, channels = shape
    lr = _frames(*lead, height // 4, width // 4, channels, seed=seed)
    return resampling.upsample(lr)


def test_no_times_change_nothing():
    hr, lr = _frames(2, 16, 20, 3), _frames(2, 4, 5, 3, seed=1)
    np.testing.assert_array_equal(_back_project(hr, lr, _KERNELS[1], times=0), hr)


@pytest.mark.parametrize("kernel", _KERNELS)
def test_frames_that_reduce_to_the_input_stay(kernel):
    hr = _frames(2, 24, 16, 3)
    found = _back_project(hr, _reduce(hr, kernel), kernel, times=5)
    np.testing.assert_allclose(found, hr, atol=2e-6)


@pytest.mark.parametrize("kernel", _KERNELS)
def test_what_is_left_of_the_difference_shrinks_each_time(kernel):
    truth, start = _smooth(1, 48, 64, 3), _smooth(1, 48, 64, 3, seed=1)
    lr = _reduce(truth, kernel)
    left = [
        jnp.linalg.norm(_reduce(_back_project(start, lr, kernel, times=n), kernel) - lr)
        for n in range(6)
    ]
    assert all(later < before for before, later in zip(left, left[1:], strict=False))
    assert left[5] < 0.5 * left[0]


def test_once_adds_the_difference_made_larger():
    hr, lr = _frames(3, 16, 12, 3), _frames(3, 4, 3, 3, seed=1)
    expected = hr + resampling.upsample(lr - _reduce(hr, _KERNELS[2]))
    found = _back_project(hr, lr, _KERNELS[2], times=1)
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_two_and_three_times_are_five_times():
    hr, lr = _frames(16, 12, 3), _frames(4, 3, 3, seed=1)
    at_once = _back_project(hr, lr, _KERNELS[2], times=5)
    in_turn = _back_project(hr, lr, _KERNELS[2], times=2)
    in_turn = _back_project(in_turn, lr, _KERNELS[2], times=3)
    np.testing.assert_allclose(at_once, in_turn, atol=2e-6)


def test_frames_and_kernels_of_a_batch_are_on_their_own():
    hr, lr = _frames(2, 3, 16, 12, 3), _frames(2, 3, 4, 3, 3, seed=1)
    one = functools.partial(_back_project, times=2)
    whole = one(hr, lr, _KERNELS[2])
    for i in np.ndindex(2, 3):
        np.testing.assert_allclose(whole[i], one(hr[i], lr[i], _KERNELS[2]), atol=2e-6)
    two = jnp.stack(_KERNELS[1:3])
    mapped = jax.vmap(functools.partial(consistency.back_project, times=2))(hr, lr, two)
    for i in range(2):
        np.testing.assert_allclose(mapped[i], one(hr[i], lr[i], two[i]), atol=2e-6)


def test_the_radius_is_how_far_a_pixel_sees():
    size, times = 31, 2
    lr = jnp.asarray(np.random.default_rng(0).random((size, size, 1)), jnp.float32)
    kernel = kernels.gaussian(3.0, 3.0, 0.0) + 1e-3  # no tap of it is zero

    @jax.jit
    @jax.grad
    def reach_of_the_middle(lr):
        hr = consistency.back_project(resampling.upsample(lr), lr, kernel, times)
        return hr[4 * (size // 2) :][:4, 4 * (size // 2) :][:, :4].sum()

    seen = np.argwhere(np.asarray(reach_of_the_middle(lr))[..., 0]) - size // 2
    # The up-sampled start sees two pixels on.
    assert np.abs(seen).max() <= consistency.radius(times) + 2
    assert np.abs(seen).max() >= consistency.radius(times) - 2
