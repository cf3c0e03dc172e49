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
      step_size: alpha, scalar. Departure: Algorithm 1, line 15 steps the SSR module
        with beta = 1e-4, a thousandth of what would move it; eq. 5-6 give alpha for
        both, and so do we.
      gradient: `jax.grad` or a drop-in from `meta_gradient`.

    Returns:
      theta_K, a pytree as `params`.
    """
    descent = gradient(loss)

    def step(params, _):
        grads = descent(params, task)
        return jax.tree.map(lambda p, g: p - step_size * g, params, grads), None

    return jax.lax.scan(step, params, length=steps)[0]
