"""PyTorch's meta-gradient of the same network, recorded, is ours.

`goldens/pytorch_meta_gradient.npz` holds the query loss, the support losses and the
gradient of every weight by autograd with `create_graph`; the script beside it made them
and says when they may change. PyTorch is not needed here.
"""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adavsr_jax import inner_loop, meta_gradient, metrics
from adavsr_jax.networks import ssr

GOLDEN = pathlib.Path(__file__).parent / "goldens" / "pytorch_meta_gradient.npz"
CHANNELS, BLOCKS, STEPS, ALPHA, EPSILON = 4, 2, 3, 0.1, 0.05
WAYS = {
    "mixed": meta_gradient.mixed,
    "saved": meta_gradient.saved,
    "reverse": jax.value_and_grad,
    "first_order": meta_gradient.first_order,
}
LAYERS = [f"Conv_{n}" for n in range(2 * BLOCKS + 2)]
PARTS = ("kernel", "bias")


def _drawn():
    """What the script draws, in its order: `(params, (support, query))`."""
    rng = np.random.default_rng(0)
    widths = [9] + [CHANNELS] * (2 * BLOCKS + 1) + [48]
    trunk = {}
    for name, inputs, outputs in zip(LAYERS, widths[:-1], widths[1:], strict=True):
        kernel = 0.2 * rng.standard_normal((3, 3, inputs, outputs))
        trunk[name] = {"kernel": kernel, "bias": 0.2 * rng.standard_normal(outputs)}
    frames, targets = rng.random((2, 1, 3, 5, 6, 3)), rng.random((2, 1, 3, 20, 24, 3))
    return {"trunk": trunk}, tuple(zip(frames, targets, strict=True))


def _ours(way, dtype):
    """Query loss, support losses and the flat gradient, in the script's order."""
    network = ssr.SSR(CHANNELS, BLOCKS)

    def loss(params, pair):
        prediction = network.apply({"params": params}, pair[0])
        return metrics.charbonnier(prediction, pair[1], EPSILON)

    def outer(params, support, query):
        adapted = inner_loop.adapt(
            params, support, loss, steps=STEPS, step_size=ALPHA, gradient=WAYS[way]
        )
        return loss(adapted.params, query), adapted.losses

    params, pairs = jax.tree.map(lambda a: jnp.asarray(a, dtype), _drawn())
    derive = jax.jit(jax.value_and_grad(outer, has_aux=True))
    (value, losses), grads = derive(params, *pairs)
    leaves = [grads["trunk"][name][leaf] for name in LAYERS for leaf in PARTS]
    assert all(leaf.dtype == dtype for leaf in leaves)
    return value, losses, np.concatenate([np.ravel(leaf) for leaf in leaves])


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("way", ["mixed", "saved", "reverse"])
def test_the_meta_gradient_is_pytorchs(way, dtype, tolerance):
    with np.load(GOLDEN) as golden, jax.enable_x64(dtype == "float64"):
        value, losses, gradient = _ours(way, dtype)
        np.testing.assert_allclose(value, golden["query_loss"], rtol=tolerance)
        np.testing.assert_allclose(losses, golden["support_losses"], rtol=tolerance)
        expected = golden["gradient"]
        atol = tolerance * np.abs(expected).max()
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=atol)


def test_the_recorded_gradient_is_of_second_order():
    """Else the law above would hold for a program that drops the Hessian."""
    with np.load(GOLDEN) as golden, jax.enable_x64(True):
        value, _, first = _ours("first_order", "float64")
        np.testing.assert_allclose(value, golden["query_loss"], rtol=1e-12)
        gap = np.abs(first - golden["gradient"]).max()
        assert gap > 1e-2 * np.abs(golden["gradient"]).max()
