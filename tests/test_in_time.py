"""The designs of SSR: what each sees in time, and that it is told what it should be."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adavsr_jax import kernels, resampling
from adavsr_jax.networks import in_time, ssr

_FRAMES = jnp.asarray(np.random.default_rng(0).random((1, 9, 3, 4, 3)), jnp.float32)


def _network(design, scale=0.3):
    network = ssr.SSR(channels=8, blocks=2, design=design)
    shapes = jax.eval_shape(network.init, jax.random.key(0), _FRAMES)["params"]
    rng = np.random.default_rng(1)
    draw = lambda p: jnp.asarray(scale * rng.standard_normal(p.shape), jnp.float32)
    return functools.partial(network.apply, {"params": jax.tree.map(draw, shapes)})


@pytest.mark.parametrize("design", ssr.DESIGNS)
def test_a_frame_sees_as_many_frames_as_the_design_says(design):
    apply = _network(design)
    middle = lambda frames: jnp.sum(apply(frames)[0, 4] ** 2)
    seen = np.asarray(jax.grad(middle)(_FRAMES))[0].any(axis=(1, 2, 3))
    reach, _ = ssr.SSR(channels=8, blocks=2, design=design).radius
    wanted = np.abs(np.arange(9) - 4) <= reach
    np.testing.assert_array_equal(seen, wanted)


@pytest.mark.parametrize("design", ssr.DESIGNS)
def test_every_design_starts_as_interpolation(design):
    network = ssr.SSR(channels=8, blocks=2, design=design)
    params = network.init(jax.random.key(0), _FRAMES)
    found = network.apply(params, _FRAMES)
    np.testing.assert_array_equal(found, resampling.upsample(_FRAMES))


@pytest.mark.parametrize("design", ssr.DESIGNS)
def test_a_still_stays_still(design):
    """Neighbours that are equal say nothing new; a recurrence has to settle first."""
    settles = design == "recurrent"
    # Smaller weights, whose recurrence forgets where the video begins and ends.
    count, scale, inside = (33, 0.1, slice(12, 21)) if settles else (9, 0.3, slice(9))
    still = jnp.repeat(_FRAMES[:, :1], count, axis=1)
    found = np.asarray(_network(design, scale)(still))
    first, *others = np.moveaxis(found[:, inside], 1, 0)
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-4, atol=1e-5)
    if settles:
        for end in (0, -1):
            assert np.abs(found[:, end] - first).max() > 1e-2


def test_shifted_channels_are_those_of_the_neighbours():
    video = np.asarray(jnp.arange(5.0)[:, None, None, None] + jnp.zeros((5, 1, 1, 8)))
    earlier, later, own = np.split(np.asarray(in_time.shift(video, 5)), [2, 4], axis=-1)
    np.testing.assert_array_equal(earlier[:, 0, 0, 0], [0, 0, 1, 2, 3])
    np.testing.assert_array_equal(later[:, 0, 0, 0], [1, 2, 3, 4, 4])
    np.testing.assert_array_equal(own, video[..., 4:])


def test_a_context_is_heard_beside_the_kernel():
    network = ssr.SSR(channels=4, blocks=1, conditioned=True, context=3)
    kernel = kernels.gaussian(2.0, 1.0, 0.5)
    fresh = network.init(jax.random.key(0), _FRAMES, kernel)["params"]
    assert fresh["context"].shape == (3,)
    params = jax.tree.map(lambda p: p + 0.1, fresh)
    apply = lambda params: network.apply({"params": params}, _FRAMES, kernel)
    other = {**params, "context": -params["context"]}
    assert np.abs(apply(other) - apply(params)).max() > 1e-4


@pytest.mark.parametrize("design", ["single", "window", "shift"])
def test_what_lies_outside_the_video_is_not_seen(design):
    apply = _network(design)
    inside = np.asarray(apply(_FRAMES[:, 2:7]))
    found = np.asarray(apply(_FRAMES, ends=(2, 6))[:, 2:7])
    np.testing.assert_allclose(found, inside, atol=1e-6)
    if design != "single":
        assert np.abs(np.asarray(apply(_FRAMES)[:, 2:7]) - inside).max() > 1e-3
