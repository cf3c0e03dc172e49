"""What the second order does, against closed forms and against the meta-gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import small

from adavsr_jax import curvature, inner_loop, meta_gradient, metrics


def test_on_a_quadratic_it_is_the_closed_form():
    """l = theta^T A theta / 2, L = |theta - d|^2 / 2: H = A at every step."""
    with jax.enable_x64(True):
        rng = np.random.default_rng(0)
        root = rng.standard_normal((4, 4))
        A, (start, goal), alpha = root @ root.T, rng.standard_normal((2, 4)), 0.05
        found = curvature.along(
            jnp.asarray(start),
            jnp.asarray(A),
            lambda theta, task: theta @ task @ theta / 2,
            lambda theta: jnp.sum((theta - goal) ** 2) / 2,
            steps=3,
            step_size=alpha,
        )
        contraction = np.eye(4) - alpha * A
        vectors = [np.linalg.matrix_power(contraction, 3) @ start - goal]
        for _ in range(3):
            vectors.append(contraction @ vectors[-1])
        norm = np.linalg.norm
        ratios = [alpha * norm(A @ v) / norm(v) for v in vectors[:3]]
        np.testing.assert_allclose(found.ratios, ratios[::-1], rtol=1e-12)
        first, exact = vectors[0], vectors[-1]
        np.testing.assert_allclose(found.gap, norm(exact - first) / norm(first))
        cosine = exact @ first / norm(exact) / norm(first)
        np.testing.assert_allclose(found.cosine, cosine)


def test_the_gap_is_that_of_the_two_meta_gradients_of_a_network():
    with jax.enable_x64(True):
        params = jax.tree.map(jnp.float64, small.params()["ssr"])
        task = jnp.asarray(small.spatial_tasks(1)[0])
        loss, rates = small.spatial_loss(), {"trunk": 0.1}
        outer = lambda p: loss(p, task[1])

        def meta(gradient):
            def value(p):
                adapted = inner_loop.adapt(
                    p, task[0], loss, steps=2, step_size=rates, gradient=gradient
                )
                return outer(adapted.params)

            grads = small.jit(jax.grad(value))(params)
            return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(grads)])

        along = lambda p: curvature.along(
            p, task[0], loss, outer, steps=2, step_size=rates
        )
        found = small.jit(along)(params)
        exact, first = meta(meta_gradient.mixed), meta(meta_gradient.first_order)
        gap = np.linalg.norm(exact - first) / np.linalg.norm(first)
        np.testing.assert_allclose(found.gap, gap, rtol=1e-10)
        assert gap > 1e-3


def test_l1_on_one_layer_has_none():
    """Piecewise linear in the weights: the two orders are one."""
    draw = np.random.default_rng(0).standard_normal
    start, inputs, target = (jnp.asarray(draw(s)) for s in ((3,), (8, 3), (8,)))
    loss = lambda w, task: metrics.l1(task @ w, target)
    found = curvature.along(
        start, inputs, loss, lambda w: loss(w, inputs), steps=2, step_size=0.1
    )
    np.testing.assert_array_equal(found.ratios, 0)
    np.testing.assert_array_equal(found.gap, 0)
