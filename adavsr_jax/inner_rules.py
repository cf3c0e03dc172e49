"""Inner rules: what of a gradient becomes a step, differentiable throughout."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Rule(NamedTuple):
    """A rule; `inner_loop.adapt` multiplies its direction by alpha and subtracts it.

    Attributes:
      init: `params -> state`, a pytree.
      direct: `(grads, state) -> (direction, state)`.
    """

    init: Callable[[Any], Any]
    direct: Callable[[Any, Any], tuple[Any, Any]]


def descent():
    """Gradient descent (paper eq. 5 and 6)."""
    return Rule(lambda params: (), lambda grads, state: (grads, state))


def adam(*, decay=0.9, square_decay=0.999, floor=1e-3):
    """Adam (Kingma and Ba 2015) that can be differentiated.

    `direction = m^ / max(sqrt(v^), floor)`, the denominator a constant to derivatives.
    Its own derivative at the first step is infinite where a gradient is zero; with the
    denominator held and bounded, the direction is linear in the gradients and at most
    `1 / floor` times as large. Departure: Algorithm 1 descends.

    Args:
      decay, square_decay: of the two moving averages, in [0, 1).
      floor: lowest denominator, above 0, in units of the gradient.
    """

    def init(params):
        zeros = jax.tree.map(jnp.zeros_like, params)
        return zeros, zeros, jnp.int32(0)

    def direct(grads, state):
        mean, square, count = state
        count = count + 1
        held = jax.lax.stop_gradient(grads)
        mean = jax.tree.map(lambda m, g: decay * m + (1 - decay) * g, mean, grads)
        square = jax.tree.map(
            lambda v, g: square_decay * v + (1 - square_decay) * g * g, square, held
        )

        def unit(m, v):
            # Both averages start at zero and are too small at first.
            power = count.astype(m.dtype)
            m = m / (1 - decay**power)
            v = v / (1 - square_decay**power)
            return m / jnp.maximum(jnp.sqrt(v), floor)

        return jax.tree.map(unit, mean, square), (mean, square, count)

    return Rule(init, direct)
