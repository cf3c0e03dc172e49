"""How much the second order of a meta-gradient is, step by step.

With `u = alpha * lambda_{k+1}` the exact recursion subtracts `H(theta_k) u` from
`lambda_{k+1}`, and the first order does not (`meta_gradient`). So `|H u| / |lambda|`
tells, before any training, whether the second order can matter: at 0 the two are one.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from adavsr_jax import inner_loop


class Curvature(NamedTuple):
    """What the second order does to the meta-gradient of one task.

    Attributes:
      ratios: `[K]`, `|H(theta_k) u| / |lambda_{k+1}|` for k = 0 .. K - 1.
      gap: `|lambda_0 - lambda_K| / |lambda_K|`, exact against first order, whole.
      cosine: between the two.
    """

    ratios: jax.Array
    gap: jax.Array
    cosine: jax.Array


def along(params, task, loss, outer_loss, *, steps, step_size):
    """Follows gradient descent from `params`, then the exact recursion back.

    Args:
      params, task, loss, steps, step_size: as `inner_loop.adapt`; K >= 1, and step
        sizes that are the same in every step.
      outer_loss: `params -> scalar`, the query loss at theta_K.

    Returns:
      A `Curvature`.
    """

    def step(theta, _):
        adapted = inner_loop.adapt(
            theta,
            task,
            loss,
            steps=1,
            step_size=step_size,
            gradient=jax.value_and_grad,
        )
        return adapted.params, theta

    last, thetas = jax.lax.scan(step, params, length=steps)
    rates = jax.tree.broadcast(step_size, params)

    def back(vector, theta):
        scaled = jax.tree.map(jnp.multiply, rates, vector)
        gradient = lambda p: jax.grad(loss)(p, task)
        product = jax.jvp(gradient, (theta,), (scaled,))[1]
        ratio = optax.tree.norm(product) / optax.tree.norm(vector)
        return jax.tree.map(jnp.subtract, vector, product), ratio

    first_order = jax.grad(outer_loss)(last)
    exact, ratios = jax.lax.scan(back, first_order, thetas, reverse=True)
    norms = optax.tree.norm(exact), optax.tree.norm(first_order)
    difference = jax.tree.map(jnp.subtract, exact, first_order)
    return Curvature(
        ratios,
        optax.tree.norm(difference) / norms[1],
        optax.tree.vdot(exact, first_order) / (norms[0] * norms[1]),
    )
