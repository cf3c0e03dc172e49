"""theta_{k+1} = theta_k - alpha grad l(theta_k), and what its derivative must be."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small

from adavsr_jax import (
    inner_loop,
    inner_rules,
    meta_gradient,
    metrics,
    objectives,
    tasks,
)

EXACT = {
    "mixed": meta_gradient.mixed,
    "saved": meta_gradient.saved,
    "reverse": jax.value_and_grad,
}


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


def _adapt(loss, task, start, gradient, steps=4, alpha=0.03, **keywords):
    return inner_loop.adapt(
        start, task, loss, steps=steps, step_size=alpha, gradient=gradient, **keywords
    ).params


@pytest.mark.parametrize("way", EXACT)
@pytest.mark.parametrize("steps", [0, 1, 4])
def test_quadratic_matches_the_closed_form(way, steps):
    with jax.enable_x64(True):
        loss, task, start, goal = _quadratic()
        outer = lambda theta: (
            jnp.sum((_adapt(loss, task, theta, EXACT[way], steps) - goal) ** 2) / 2
        )
        # (I - alpha A)^K (theta_K - d)
        adapted = _adapt(loss, task, start, jax.value_and_grad, steps)
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
        expected = _adapt(loss, task, start, jax.value_and_grad) - goal
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
                meta_gradient_at(alpha, jax.value_and_grad)
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


@pytest.mark.parametrize("way", ["mixed", "saved"])
def test_forward_over_reverse_equals_reverse_on_the_networks(space_time, way):
    _, _, gradients = space_time
    ours, reverse, first = (gradients[name] for name in (way, "reverse", "first"))
    for a, b in zip(*map(jax.tree.leaves, (ours, reverse)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)
    # The second order is there to be found: the law above is not about nothing.
    gaps = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), ours, first)
    assert max(jax.tree.leaves(gaps)) > 1e-4


def test_matches_central_differences_on_the_networks(space_time):
    outer, params, gradients = space_time
    with jax.enable_x64(True):
        value = jax.jit(lambda theta: outer(theta, jax.value_and_grad))
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


@pytest.mark.parametrize("way", ["mixed", "saved"])
def test_the_task_cotangent_is_not_dropped(way):
    with jax.enable_x64(True):
        loss, task, start, goal = _quadratic()
        of_task = lambda gradient: jax.grad(
            lambda t: jnp.sum((_adapt(loss, t, start, gradient) - goal) ** 2)
        )(task)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12),
            of_task(EXACT[way]),
            of_task(jax.value_and_grad),
        )


def _outer(keywords, gradient):
    loss, task, start, goal = _quadratic()

    def outer(theta, alpha):
        adapted = _adapt(loss, task, theta, gradient, alpha=alpha, **keywords)
        return jnp.sum((adapted - goal) ** 2) / 2

    return outer, start


@pytest.mark.parametrize("way", EXACT)
@pytest.mark.parametrize("rule", [inner_rules.descent, None])
def test_learned_rates_match_central_differences(way, rule):
    with jax.enable_x64(True):
        # Adam's denominator is a constant to derivatives: at its floor it is one.
        rule = rule() if rule else inner_rules.adam(floor=50.0)
        scale = 1.0 if rule.init(()) == () else 50.0
        outer, start = _outer({"steps": 3, "rule": rule}, EXACT[way])
        rates = scale * jnp.array([0.01, 0.03, 0.02])
        for argument in (0, 1):
            at = [start, rates]
            slope = jax.grad(outer, argument)(*at)
            numeric = []
            for one in np.eye(len(at[argument])):
                ends = []
                for sign in (1, -1):
                    moved = list(at)
                    moved[argument] = at[argument] + sign * 1e-6 * one
                    ends.append(outer(*moved))
                numeric.append((ends[0] - ends[1]) / 2e-6)
            np.testing.assert_allclose(slope, numeric, rtol=1e-6, atol=1e-7)


def test_truncated_is_exact_in_the_last_steps_alone():
    with jax.enable_x64(True):
        loss, task, start, goal = _quadratic()
        contraction = np.eye(5) - 0.03 * np.asarray(task["A"])
        adapted = _adapt(loss, task, start, jax.value_and_grad)
        for exact in (0, 1, 3, 4, 9):
            outer = lambda theta, m=exact: (
                jnp.sum(
                    (
                        _adapt(loss, task, theta, meta_gradient.mixed, exact_steps=m)
                        - goal
                    )
                    ** 2
                )
                / 2
            )
            expected = np.linalg.matrix_power(contraction, min(exact, 4))
            np.testing.assert_allclose(
                jax.grad(outer)(start), expected @ (adapted - goal), rtol=1e-12
            )


@pytest.mark.parametrize("way", EXACT)
def test_the_trunk_keeps_its_mixed_term_or_drops_it(way):
    """Two parameters, one adapts: h <- h - a (h t - y) t, K = 1, by hand."""
    with jax.enable_x64(True):
        loss = lambda p, y: (p["head"] * p["trunk"] - y) ** 2 / 2

        def outer(params, kept):
            adapted = inner_loop.adapt(
                params,
                jnp.float64(2.0),
                loss,
                steps=1,
                step_size=0.1,
                gradient=EXACT[way],
                mask={"head": True, "trunk": False},
                trunk_term=kept,
            ).params
            return adapted["head"] * adapted["trunk"]

        h, t, y, a = 3.0, 0.5, 2.0, 0.1
        params = {"head": jnp.float64(h), "trunk": jnp.float64(t)}
        after = h - a * (h * t - y) * t
        mixed_term = -a * (2 * h * t - y)
        for kept in (True, False):
            found = jax.grad(outer)(params, kept)
            np.testing.assert_allclose(found["head"], (1 - a * t * t) * t, rtol=1e-12)
            np.testing.assert_allclose(
                found["trunk"], after + kept * mixed_term * t, rtol=1e-12
            )


@pytest.mark.parametrize("way", ["mixed", "saved"])
@pytest.mark.parametrize(
    "distance",
    [metrics.l1, functools.partial(metrics.charbonnier, epsilon=1e-3)],
    ids=["l1", "charbonnier"],
)
def test_kinks_and_parameters_that_a_loss_does_not_touch(way, distance):
    with jax.enable_x64(True):
        draw = np.random.default_rng(0).standard_normal
        params = {"w": jnp.array(draw((4, 4))), "v": jnp.array(draw(4)), "idle": 2.0}
        inputs, target = jnp.array(draw((6, 4))), jnp.array(draw(6))
        loss = lambda p, t: distance(jax.nn.relu(t @ p["w"]) @ p["v"], target)
        outer = lambda p, gradient: (
            _adapt(loss, inputs, p, gradient, alpha=0.01)["v"].sum()
            + _adapt(loss, inputs, p, gradient)["idle"]
        )
        found, expected = (jax.grad(outer)(params, EXACT[n]) for n in (way, "reverse"))
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13),
            found,
            expected,
        )
        assert found["idle"] == 1


def test_residuals_are_saved_while_they_fit():
    loss, task, start, goal = _quadratic()
    kept = meta_gradient.residual_bytes(loss, start, task)
    assert kept >= task["A"].nbytes
    text = lambda budget: str(
        jax.make_jaxpr(
            jax.grad(
                lambda p: _adapt(loss, task, p, meta_gradient.fitting(4, budget)).sum()
            )
        )(start)
    )
    of = lambda way: str(
        jax.make_jaxpr(jax.grad(lambda p: _adapt(loss, task, p, way).sum()))(start)
    )
    assert text(4 * kept) == of(meta_gradient.saved)
    assert text(4 * kept - 1) == of(meta_gradient.mixed)


@pytest.mark.parametrize("way", EXACT)
def test_float32_updates_agree(way):
    loss, task, start, goal = jax.tree.map(
        lambda a: a if callable(a) else jnp.asarray(a, jnp.float32), _quadratic()
    )
    update = lambda gradient: jax.jit(
        jax.grad(lambda p: jnp.sum((_adapt(loss, task, p, gradient) - goal) ** 2) / 2)
    )(start)
    expected = update(jax.value_and_grad)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(update(EXACT[way]), expected, atol=1e-5 * scale)
