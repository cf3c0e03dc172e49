"""The networks: shapes for any size, their symmetry, their receptive field."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small

from adavsr_jax import kernels, resampling
from adavsr_jax.networks import space_time, ssr, tsr

PARAMS = small.params()


@jax.jit
def _apply(frames):
    return small.MODEL.apply({"params": PARAMS}, frames)


@pytest.mark.parametrize(
    "shape", [(1, 4, 16, 16), (2, 2, 5, 3), (1, 1, 1, 1), (1, 7, 1, 9)]
)
def test_any_number_of_frames_and_any_size(shape):
    b, m, h, w = shape
    hfr, hr = _apply(jnp.ones((*shape, 3)))
    assert hfr.shape == (b, 2 * m - 1, h, w, 3)
    assert hr.shape == (b, 2 * m - 1, 4 * h, 4 * w, 3)


def test_untrained_networks_are_interpolation():
    frames = jnp.asarray(np.random.default_rng(0).random((1, 3, 6, 5, 3)), jnp.float32)
    fresh = small.MODEL.init(jax.random.key(0), frames)["params"]
    hfr, hr = small.MODEL.apply({"params": fresh}, frames)
    np.testing.assert_array_equal(hfr, resampling.interpolate_bicubic(frames))
    np.testing.assert_array_equal(hr, resampling.upsample(hfr))


def test_tsr_treats_rows_and_columns_alike():
    frames = jnp.asarray(np.random.default_rng(0).random((1, 3, 6, 5, 3)), jnp.float32)
    tsr = lambda x: small.MODEL.tsr.apply({"params": PARAMS["tsr"]}, x)
    np.testing.assert_allclose(
        tsr(frames).swapaxes(2, 3), tsr(frames.swapaxes(2, 3)), atol=1e-6
    )


def test_the_receptive_field_is_what_the_network_reports():
    frames_radius, pixels_radius = small.MODEL.radius
    m, size = 2 * frames_radius + 3, 2 * pixels_radius + 3
    middle, centre = m // 2, size // 2
    frames = np.random.default_rng(0).random((1, m, size, size, 3))

    @jax.jit
    @jax.grad
    def reach_of_the_middle(x):
        _, hr = _apply(x)
        block = slice(4 * centre, 4 * centre + 4)
        return jnp.sum(hr[0, 2 * middle, block, block])

    seen = np.asarray(reach_of_the_middle(jnp.float32(frames)))[0].any(axis=-1)
    t, y, x = np.nonzero(seen)
    assert np.abs(t - middle).max() <= frames_radius
    assert max(np.abs(y - centre).max(), np.abs(x - centre).max()) <= pixels_radius
    # The report is not a wild over-estimate either: tiles pay for it.
    assert np.abs(t - middle).max() >= frames_radius - 1
    assert np.abs(y - centre).max() >= pixels_radius - 1


def test_a_conditioned_network_starts_as_the_other_and_then_hears_the_kernel():
    frames = jnp.asarray(np.random.default_rng(0).random((1, 3, 6, 5, 3)), jnp.float32)
    told = ssr.SSR(channels=4, blocks=2, conditioned=True)
    fresh = told.init(jax.random.key(1), frames, kernels.bicubic())["params"]
    tail = fresh["trunk"]["Conv_5"]
    tail["kernel"] = jnp.full_like(tail["kernel"], 0.1)
    deaf = {name: p for name, p in fresh["trunk"].items() if "Conv" in name}
    plain = ssr.SSR(channels=4, blocks=2).apply({"params": {"trunk": deaf}}, frames)
    wide, narrow = kernels.gaussian(3.0, 2.0, 0.5), kernels.gaussian(1.0, 1.0, 0.0)
    apply = lambda params, kernel: told.apply({"params": params}, frames, kernel)
    np.testing.assert_array_equal(apply(fresh, wide), plain)
    heard = jax.tree.map(lambda p: p + 0.1, fresh)
    assert np.abs(apply(heard, wide) - apply(heard, narrow)).max() > 1e-3


def test_a_conditioned_network_needs_a_kernel():
    told = ssr.SSR(channels=4, blocks=1, conditioned=True)
    with pytest.raises(ValueError, match="give it the kernel"):
        told.init(jax.random.key(0), jnp.zeros((1, 2, 4, 4, 3)))


@pytest.mark.parametrize("design", ["shift", "recurrent"])
def test_bfloat16_is_of_the_convolutions_alone(design):
    """Weights, gradients and output stay float32, and near those of float32."""
    frames = jnp.asarray(np.random.default_rng(0).random((1, 3, 8, 8, 3)), jnp.float32)
    both = [
        space_time.SpaceTime(
            tsr.TSR(8, 1, dtype), ssr.SSR(8, 2, True, design, dtype=dtype)
        )
        for dtype in (None, jnp.bfloat16)
    ]
    kernel = kernels.gaussian(2.0, 1.0, 0.5)
    fresh = both[0].init(jax.random.key(0), frames, kernel)["params"]
    params = jax.tree.map(lambda p: p + 0.02, fresh)

    def found(model):
        loss = lambda p: jnp.mean(model.apply({"params": p}, frames, kernel)[1] ** 2)
        return model.apply({"params": params}, frames, kernel), jax.grad(loss)(params)

    exact, rounded = map(found, both)
    for one, other in zip(
        jax.tree.leaves(exact), jax.tree.leaves(rounded), strict=True
    ):
        assert other.dtype == jnp.float32
        assert np.abs(one - other).max() <= 0.1 * np.abs(one).max()
    assert np.abs(exact[0][1] - rounded[0][1]).max() > 0  # or it would say nothing
