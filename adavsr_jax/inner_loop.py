"""Adaptation to one task: K steps of gradient descent (paper eq. 5-6, Algorithm 2)."""

import jax


def adapt(params, task, loss, *, steps, step_size, gradient):
    """Descends `loss` on `task` from `params`: the one inner loop of the house.

    Algorithm 1 differentiates through it, Algorithm 2 runs it on a person's video.

    Args:
      params: pytree of floating-point arrays, theta_0.
      task: pytree of floating-point arrays, what the loss is measured on.
      loss: `(params, task) -> scalar`.
      steps: K >= 0, static. With 0 the parameters come back unchanged.
      step_size: alpha, a scalar or a tree prefix of `params`, one value a module.
        Departure: Algorithm 1, line 15 steps the SSR module with the outer rate beta,
        eq. 5-6 with alpha as the other; we let each have its own.
      gradient: `jax.grad` or a drop-in from `meta_gradient`.

    Returns:
      theta_K, a pytree as `params`.
    """
    descent = gradient(loss)
    rates = jax.tree.broadcast(step_size, params)

    def step(params, _):
        grads = descent(params, task)
        return jax.tree.map(lambda p, g, a: p - a * g, params, grads, rates), None

    return jax.lax.scan(step, params, length=steps)[0]
