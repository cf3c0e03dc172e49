"""The problem that every program of the meta-gradient benchmark solves, and its work.

The meta-gradient, averaged over tasks, of `SSR(channels, blocks)` that adapts on one
clip and is judged on another, Charbonnier loss, gradient descent inside.
"""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from adavsr_jax.networks import ssr

SIZE = 16  # height and width of what the network sees, pixels
ALPHA = 0.1
EPSILON = 0.01


class Shape(NamedTuple):
    """K inner steps on `tasks` tasks of `clips` frames, 16 x 16 to 64 x 64."""

    K: int
    tasks: int
    clips: int
    channels: int
    blocks: int


DESIGN = Shape(K=5, tasks=4, clips=4, channels=32, blocks=4)
GPU = Shape(K=10, tasks=8, clips=4, channels=64, blocks=20)  # 1.5 M parameters


def frames(shape):
    """Support and query of every task, `[tasks, 2, 1, clips, 64, 64, 3]` float32.

    Smooth waves; the network sees each fourth pixel of each fourth row.
    """
    rng = np.random.default_rng(0)
    count = (shape.tasks, 2, 1, shape.clips, 1, 1, 3)
    y, x = (np.linspace(0, 1, 4 * SIZE).reshape(s) for s in ((-1, 1, 1), (1, -1, 1)))
    waves = [
        np.sin(rng.uniform(-20, 20, count) * y + rng.uniform(-20, 20, count) * x)
        for _ in range(3)
    ]
    return (0.5 + sum(waves) / 6).astype(np.float32)


def seen(sharp):
    """What the network is given of `[..., 64, 64, 3]`."""
    return sharp[..., ::4, ::4, :]


def network(shape):
    """The network, our own."""
    return ssr.SSR(shape.channels, shape.blocks)


def parameters(shape):
    """Its weights as NumPy arrays, the tail too drawn, which starts at zero."""
    empty = jnp.zeros((1, 1, 4, 4, 3))
    params = network(shape).init(jax.random.key(0), empty)["params"]
    draw = np.random.default_rng(1).standard_normal
    nonzero = lambda p: p if p.any() else 0.02 * draw(p.shape).astype(np.float32)
    return jax.tree.map(lambda p: nonzero(np.asarray(p)), params)


def operations(shape, order, remat):
    """Floating-point operations of all convolutions of one meta-gradient.

    A convolution's forward, input gradient and weight gradient are a unit each, their
    tangents two each; the input of the first layer has neither gradient nor tangent.
    The inner gradient is 3 units, a Hessian product from saved residuals 6, a
    recomputed one 8: it needs no values of weight gradients, and of input gradients
    not the second layer's, which nothing is multiplied with.
    """
    widths = [9, *[shape.channels] * (2 * shape.blocks + 1), 48]
    layers = [_convolution(shape, *both) for both in itertools.pairwise(widths)]
    head, second, unit = layers[0], layers[1], sum(layers)
    gradient = 3 * unit - head
    products = {
        "first": 0,
        "save": 6 * unit - 4 * head,
        "recompute": 8 * unit - 5 * head - second,
    }
    product = products["first" if order == "first" else remat]
    return shape.tasks * (shape.K * (gradient + product) + gradient)


def _convolution(shape, inputs, outputs):
    return 2 * 9 * inputs * outputs * shape.clips * SIZE**2
