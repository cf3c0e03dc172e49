"""The inner loop: descent at rates of all kinds, parts that stay, other rules."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from adavsr_jax import inner_loop, inner_rules, meta_gradient


def _loss(params, task):
    return (
        jnp.sum(task["a"] * params["tsr"]["w"] ** 2) + jnp.sum(params["ssr"] ** 2) / 2
    )


PARAMS = {"tsr": {"w": jnp.array([1.0, 2.0])}, "ssr": jnp.array([3.0])}
TASK = {"a": jnp.array([0.5, 0.25])}


def _adapt(steps, step_size, **keywords):
    return inner_loop.adapt(
        PARAMS,
        TASK,
        _loss,
        steps=steps,
        step_size=step_size,
        gradient=jax.value_and_grad,
        **keywords,
    )


def test_each_module_descends_at_its_own_rate():
    # A quadratic contracts by 1 - alpha * curvature a step.
    adapted = _adapt(3, {"tsr": 0.1, "ssr": 0.2}).params
    np.testing.assert_allclose(adapted["tsr"]["w"], [0.9**3, 2 * 0.95**3], rtol=1e-6)
    np.testing.assert_allclose(adapted["ssr"], [3 * 0.8**3], rtol=1e-6)


def test_one_rate_serves_all():
    both = _adapt(3, {"tsr": 0.1, "ssr": 0.1})
    jax.tree.map(np.testing.assert_array_equal, _adapt(3, 0.1), both)


def test_a_rate_a_step_and_the_last_for_all_later_ones():
    adapted = _adapt(4, {"tsr": 0.1, "ssr": jnp.array([0.5, 0.2, 0.1])}).params
    np.testing.assert_allclose(adapted["ssr"], [3 * 0.5 * 0.8 * 0.9 * 0.9], rtol=1e-6)


def test_rates_may_be_of_numpy_and_of_another_precision():
    rates = np.array([0.5, 0.2, 0.1], np.float32)
    found = _adapt(4, {"tsr": 0.1, "ssr": rates}).params
    wanted = _adapt(4, {"tsr": 0.1, "ssr": jnp.asarray(rates)}).params
    jax.tree.map(np.testing.assert_array_equal, found, wanted)
    half = jax.tree.map(lambda p: p.astype(jnp.bfloat16), PARAMS)
    found = inner_loop.adapt(
        half, TASK, _loss, steps=4, step_size=rates, gradient=jax.value_and_grad
    ).params
    assert {leaf.dtype for leaf in jax.tree.leaves(found)} == {jnp.dtype("bfloat16")}
    np.testing.assert_allclose(
        found["ssr"].astype(np.float32), wanted["ssr"], rtol=0.02
    )


def test_no_step_changes_nothing():
    adaptation = _adapt(0, 0.1, watch=lambda p: _loss(p, TASK))
    jax.tree.map(np.testing.assert_array_equal, adaptation.params, PARAMS)
    assert adaptation.losses.shape == adaptation.watched.shape == (0,)


def test_losses_are_seen_before_each_step_and_what_is_watched_after():
    adaptation = _adapt(3, 0.1, watch=lambda p: _loss(p, TASK))
    expected = [_loss(_adapt(k, 0.1).params, TASK) for k in range(4)]
    np.testing.assert_allclose(adaptation.losses, expected[:3], rtol=1e-6)
    np.testing.assert_allclose(adaptation.watched, expected[1:], rtol=1e-6)


def test_what_is_masked_stays():
    adapted = _adapt(3, 0.1, mask={"tsr": False, "ssr": True}).params
    np.testing.assert_array_equal(adapted["tsr"]["w"], PARAMS["tsr"]["w"])
    np.testing.assert_allclose(adapted["ssr"], [3 * 0.9**3], rtol=1e-6)


def test_adam_steps_by_the_rate_where_gradients_are_large():
    # Its first step is the sign of the gradient; below the floor it is descent.
    large = _adapt(1, 0.1, rule=inner_rules.adam(floor=1e-6)).params
    np.testing.assert_allclose(large["ssr"], [2.9], rtol=1e-6)
    small = _adapt(1, 0.1, rule=inner_rules.adam(floor=30.0)).params
    np.testing.assert_allclose(small["ssr"], [3 - 0.1 * 3 / 30], rtol=1e-6)


def test_adam_is_optax_adam_above_its_floor():
    theirs, params = optax.adam(0.1, eps=0.0), PARAMS
    state = theirs.init(params)
    for _ in range(4):
        updates, state = theirs.update(jax.grad(_loss)(params, TASK), state)
        params = optax.apply_updates(params, updates)
    ours = _adapt(4, 0.1, rule=inner_rules.adam(floor=1e-12)).params
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), ours, params)


@pytest.mark.parametrize("way", [meta_gradient.mixed, meta_gradient.saved])
def test_adam_has_a_bounded_derivative_at_zero_gradients(way):
    def outer(start):
        adapted = inner_loop.adapt(
            start,
            1.0,
            lambda p, t: t * jnp.sum(p**2),
            steps=1,
            step_size=0.1,
            gradient=way,
            rule=inner_rules.adam(floor=0.01),
        )
        return adapted.params.sum()

    # direction = 2 p / floor: d/dp = 1 - 0.1 * 2 / 0.01
    np.testing.assert_allclose(jax.grad(outer)(jnp.zeros(2)), [-19, -19], rtol=1e-5)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"steps": -1}, "steps must be 0 or more; got -1"),
        ({"exact_steps": -2}, "exact_steps must be 0 or more; got -2"),
        (
            {"step_size": {"tsr": 0.1}},
            r"step_size .* \{(ssr, tsr|tsr, ssr)\}; got \{tsr\}",
        ),
        ({"step_size": jnp.ones((2, 2))}, r"step_size must hold scalars, .*\(2, 2\)"),
        ({"mask": {"ssr": True}}, r"mask must .* \{(ssr, tsr|tsr, ssr)\}; got \{ssr\}"),
    ],
)
def test_refuses_what_it_cannot_do(changes, words):
    arguments = {"steps": 1, "step_size": 0.1} | changes
    with pytest.raises(ValueError, match=words):
        _adapt(**arguments)
