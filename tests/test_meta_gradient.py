"""theta_{k+1} = theta_k - alpha grad l(theta_k), and what its derivative must be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small

from adavsr_jax import inner_loop, meta_gradient, objectives, tasks

EXACT = {"mixed": meta_gradient.mixed, "reverse": jax.grad}


def _quadratic(seed=0, size=5):
    """l = (theta - c)^T A (theta - c) / 2 and L = |theta - d|^2 / 2."""
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((size, size))
    task = {
        "A": jnp.asarray(root @ root.T),
        "c": jnp.asarray(rng.standard_normal(size)),
    }
    start, goal = jnp.asarray(rng.standard_normal((2, size)))
    loss = lambda theta, t: (theta - t["c"]) @ t["A"] @ (theta - t["c"]) / 2
    return loss, task, start, goal


def _adapt(loss, task, start, gradient, steps=4, alpha=0.03):
    return inner_loop.adapt(
        start, task, loss, steps=steps, step_size=alpha, gradient=gradient
    )


@pytest.mark.parametrize("way", EXACT)
@pytest.mark.parametrize("steps", [0, 1, 4])
def test_quadratic_matches_the_closed_form(way, steps):
    with jax.enable_x64(True):
        loss, task, start, goal = _quadratic()
        outer = lambda theta: (
            jnp.sum((_adapt(loss, task, theta, EXACT[way], steps) - goal) ** 2) / 2
        )
        # (I - alpha A)^K (theta_K - d)
        adapted = _adapt(loss, task, start, jax.grad, steps)
        contraction = np.eye(5) - 0.03 * np.asarray(task["A"])
        expected = np.linalg.matrix_power(contraction, steps) @ (adapted - goal)
        np.testing.assert_allclose(jax.grad(outer)(start), expected, rtol=1e-12)


def test_first_order_is_the_gradient_at_the_adapted_parameters():
    with jax.enable_x64(True):
        loss, task, start, goal = _quadratic()
        outer = lambda theta: (
            jnp.sum((_adapt(loss, task, theta, meta_gradient.first_order) - goal) ** 2)
            / 2
        )
        expected = _adapt(loss, task, start, jax.grad) - goal
        np.testing.assert_allclose(jax.grad(outer)(start), expected, rtol=1e-12)


def test_the_first_order_gap_halves_with_the_step_size():
    with jax.enable_x64(True):
        loss, task, start, goal = _quadratic()

        def meta_gradient_at(alpha, gradient):
            outer = lambda theta: (
                jnp.sum((_adapt(loss, task, theta, gradient, 3, alpha) - goal) ** 2) / 2
            )
            return jax.grad(outer)(start)

        gaps = [
            jnp.linalg.norm(
                meta_gradient_at(alpha, jax.grad)
                - meta_gradient_at(alpha, meta_gradient.first_order)
            )
            for alpha in (4e-4, 2e-4, 1e-4)
        ]
        slopes = np.diff(np.log2(np.array(gaps)))
        np.testing.assert_allclose(slopes, -1, atol=0.01)


@pytest.fixture(name="space_time", scope="module")
def _space_time():
    """The real objective on a real task, in float64: `(loss, params, its gradients)`.

    The loss is a function of parameters and of the way to differentiate inside.
    """
    make = jax.jit(lambda key, clip: tasks.make(key, clip, small.generator()))
    task = make(jax.random.key(3), small.clips()[0])
    objective = objectives.space_time(small.MODEL, small.DISTANCE)
    with jax.enable_x64(True):
        task, params = jax.tree.map(jnp.float64, (task, small.params()))

        def outer(theta, gradient):
            adapted = _adapt(
                objective, task.support, theta, gradient, steps=3, alpha=0.1
            )
            return objective(adapted, task.query)

        ways = EXACT | {"first": meta_gradient.first_order}
        derive = jax.jit(jax.grad(outer), static_argnums=1)
        return outer, params, {name: derive(params, way) for name, way in ways.items()}


def test_mixed_equals_reverse_on_the_networks(space_time):
    _, _, gradients = space_time
    mixed, reverse, first = (gradients[name] for name in ("mixed", "reverse", "first"))
    for a, b in zip(*map(jax.tree.leaves, (mixed, reverse)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)
    # The second order is there to be found: the law above is not about nothing.
    gaps = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), mixed, first)
    assert max(jax.tree.leaves(gaps)) > 1e-4


def test_matches_central_differences_on_the_networks(space_time):
    outer, params, gradients = space_time
    with jax.enable_x64(True):
        value = jax.jit(lambda theta: outer(theta, jax.grad))
        rng = np.random.default_rng(0)
        direction = jax.tree.map(lambda p: rng.standard_normal(p.shape), params)
        leaves = map(jax.tree.leaves, (gradients["mixed"], direction))
        slope = sum(map(np.vdot, *leaves))
        step = 1e-6
        ahead, behind = (
            value(jax.tree.map(lambda p, d, s=s: p + s * d, params, direction))
            for s in (step, -step)
        )
        np.testing.assert_allclose(slope, (ahead - behind) / (2 * step), rtol=1e-6)


def test_the_task_cotangent_is_not_dropped():
    with jax.enable_x64(True):
        loss, task, start, goal = _quadratic()
        of_task = lambda gradient: jax.grad(
            lambda t: jnp.sum((_adapt(loss, t, start, gradient) - goal) ** 2)
        )(task)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12),
            of_task(meta_gradient.mixed),
            of_task(jax.grad),
        )
