"""The inner loop is gradient descent, each module at its own rate."""

import jax
import jax.numpy as jnp
import numpy as np

from adavsr_jax import inner_loop


def _loss(params, task):
    return (
        jnp.sum(task["a"] * params["tsr"]["w"] ** 2) + jnp.sum(params["ssr"] ** 2) / 2
    )


PARAMS = {"tsr": {"w": jnp.array([1.0, 2.0])}, "ssr": jnp.array([3.0])}
TASK = {"a": jnp.array([0.5, 0.25])}


def _adapt(steps, step_size):
    return inner_loop.adapt(
        PARAMS, TASK, _loss, steps=steps, step_size=step_size, gradient=jax.grad
    )


def test_each_module_descends_at_its_own_rate():
    # A quadratic contracts by 1 - alpha * curvature a step.
    adapted = _adapt(3, {"tsr": 0.1, "ssr": 0.2})
    np.testing.assert_allclose(adapted["tsr"]["w"], [0.9**3, 2 * 0.95**3], rtol=1e-6)
    np.testing.assert_allclose(adapted["ssr"], [3 * 0.8**3], rtol=1e-6)


def test_one_rate_serves_all():
    both = _adapt(3, {"tsr": 0.1, "ssr": 0.1})
    jax.tree.map(np.testing.assert_array_equal, _adapt(3, 0.1), both)


def test_no_step_changes_nothing():
    jax.tree.map(np.testing.assert_array_equal, _adapt(0, 0.1), PARAMS)
