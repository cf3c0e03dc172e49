"""The meta-gradient of a real network: every loss, every way over tasks, every rate."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small
from jax import flatten_util

from adavsr_jax import (
    inner_loop,
    meta_gradient,
    meta_step,
    metrics,
    sharding,
    step_sizes,
)

WAYS = {
    "mixed": {"gradient": meta_gradient.mixed},
    "saved": {"gradient": meta_gradient.saved},
    "reverse": {"gradient": jax.value_and_grad},
    "first order": {"gradient": meta_gradient.first_order},
    "truncated, mixed": {"gradient": meta_gradient.mixed, "exact_steps": 1},
    "truncated, saved": {"gradient": meta_gradient.saved, "exact_steps": 1},
}
EXACT = ("mixed", "saved", "reverse")
DISTANCES = {
    "l1": metrics.l1,
    "charbonnier": functools.partial(metrics.charbonnier, epsilon=0.01),
}


def _query_loss(way, distance=small.DISTANCE, step_size=0.1):
    """`(params, task [2, ...]) -> scalar`, three inner steps on the way to it."""
    loss = small.spatial_loss(distance)

    def query_loss(params, task):
        weights, rates = step_sizes.split(params, step_size)
        adapted = inner_loop.adapt(
            weights, task[0], loss, steps=3, step_size=rates, **WAYS[way]
        )
        return loss(adapted.params, task[1])

    return query_loss


def _problem(count, dtype=jnp.float64):
    params = jax.tree.map(lambda p: p.astype(dtype), small.params()["ssr"])
    return params, jnp.asarray(small.spatial_tasks(count), dtype)


def _check_equal(found, expected, tolerance):
    """Within `tolerance` of the largest entry of all."""
    atol = tolerance * max(np.abs(leaf).max() for leaf in jax.tree.leaves(expected))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=atol),
        found,
        expected,
    )


@pytest.mark.parametrize("way", WAYS)
def test_vmap_scan_and_eight_devices_equal_a_python_loop(way):
    with jax.enable_x64(True):
        params, tasks = _problem(8)
        one = jax.grad(_query_loss(way))
        alone = small.jit(one)
        grads = [jax.device_get(alone(params, task)) for task in tasks]
        loop = jax.tree.map(lambda *leaves: np.stack(leaves), *grads)
        each = {
            "vmap": jax.vmap(one, (None, 0)),
            "scan": lambda p, many: jax.lax.map(lambda task: one(p, task), many),
        }
        for over_tasks in each.values():
            _check_equal(small.jit(over_tasks)(params, tasks), loop, 1e-12)
        joined = _over_devices(way, params, tasks)
        mean = jax.tree.map(lambda leaf: leaf.mean(0), loop)
        _check_equal(joined, mean, 1e-12)


def _over_devices(way, params, tasks):
    """The mean over tasks, one on each of eight devices."""
    query_loss = _query_loss(way)
    loss = lambda params, task, key, progress: (query_loss(params, task), ({}, ()))
    mesh = sharding.mesh(jax.devices()[:8])
    over_mesh = sharding.joined(meta_step.mean_gradient(loss, over_tasks="scan"), mesh)
    return small.jit(over_mesh)(
        sharding.replicate(params, mesh),
        sharding.split(np.asarray(tasks), mesh),
        sharding.split(np.zeros(len(tasks)), mesh),
        jnp.float32(0),
    )[1]


@pytest.mark.parametrize(
    "dtype, tolerance", [("float64", 1e-10), ("float32", 1e-5)], ids=str
)
@pytest.mark.parametrize("distance", DISTANCES)
def test_forward_over_reverse_equals_reverse_for_every_loss(distance, dtype, tolerance):
    with jax.enable_x64(dtype == "float64"):
        params, tasks = _problem(1, dtype)
        derive = lambda way: small.jit(jax.grad(_query_loss(way, DISTANCES[distance])))
        ways = (*EXACT, "first order")
        mixed, saved, reverse, first = (derive(w)(params, tasks[0]) for w in ways)
        _check_equal(mixed, reverse, tolerance)
        _check_equal(saved, reverse, tolerance)
        with pytest.raises(AssertionError):  # there is a second order to agree in
            _check_equal(first, reverse, 1e-2)


@pytest.mark.parametrize("way", EXACT)
def test_learned_rates_match_central_differences(way):
    """That of every rate, one a tensor and step, and one direction of the weights."""
    with jax.enable_x64(True):
        weights, tasks = _problem(1)
        learned = step_sizes.learned(weights, 0.1, 3)["log_step_size"]
        rates, unravel = flatten_util.ravel_pytree(jax.tree.map(jnp.float64, learned))
        assert rates.shape == (3 * len(jax.tree.leaves(weights)),)
        rng = np.random.default_rng(2)
        rates += rng.uniform(-0.5, 0.5, rates.shape)  # none can stand in for another
        direction = jax.tree.map(lambda p: rng.standard_normal(p.shape), weights)
        query_loss = _query_loss(way, step_size=None)

        def value(rates, along):
            moved = jax.tree.map(lambda p, d: p + along * d, weights, direction)
            return query_loss({**moved, "log_step_size": unravel(rates)}, tasks[0])

        found = jnp.append(*small.jit(jax.grad(value, (0, 1)))(rates, 0.0))
        moves, compiled = 1e-5 * np.eye(len(found)), small.jit(value)
        at = lambda move: compiled(rates + move[:-1], move[-1])
        expected = [(at(move) - at(-move)) / 2e-5 for move in moves]
        # The error falls as the square of the step, until rounding.
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
        assert np.abs(found).min() > 1e-6
