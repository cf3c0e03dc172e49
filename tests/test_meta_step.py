"""The outer step: one device, eight devices, vmap and scan are one number."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import small

from adavsr_jax import meta_gradient, meta_step, sharding

COUNT = 8
CLIPS = small.clips(COUNT)
KEY = jax.random.key(11)


def _meta_loss(**changes):
    settings = {
        "steps": 2,
        "step_size": {"tsr": 0.05, "ssr": 0.1},
        "gradient": meta_gradient.mixed,
        "unadapted_weight": 0.5,
    }
    return meta_step.meta_loss(
        small.MODEL, small.DISTANCE, small.generator(), **settings | changes
    )


def _state(optimizer):
    params = small.params()
    copy = jax.tree.map(jnp.copy, params)
    return meta_step.MetaState(params, copy, optimizer.init(params), jnp.int32(0))


def _one_step(loss, over_tasks, devices, optimizer, count=COUNT):
    """State and metrics after one step, and the compiled text."""
    mesh = sharding.mesh(jax.devices()[:devices])
    step = sharding.outer_step(
        meta_step.mean_gradient(loss, over_tasks=over_tasks),
        optimizer,
        mesh,
        average_decay=0.75,
    )
    arguments = (
        sharding.replicate(_state(optimizer), mesh),
        sharding.split(CLIPS[:count], mesh),
        sharding.replicate(KEY, mesh),
    )
    compiled = step.lower(*arguments).compile()
    return *jax.device_get(compiled(*arguments)), compiled.as_text()


@pytest.fixture(scope="module")
def by_hand():
    """Mean loss and gradient by a Python loop, one clip a task."""
    loss = _meta_loss()
    one = jax.jit(jax.value_and_grad(loss, has_aux=True))
    keys = jax.random.split(jax.random.fold_in(KEY, 0), COUNT)
    results = [one(small.params(), *task) for task in zip(CLIPS, keys, strict=True)]
    mean = jax.tree.map(lambda *leaves: np.mean(leaves, axis=0), *results)
    return mean[0][0], mean[1]


@pytest.mark.parametrize(("over_tasks", "devices"), [("vmap", 8), ("scan", 2)])
def test_the_outer_step_equals_a_python_loop(by_hand, over_tasks, devices):
    mean_loss, mean_grads = by_hand
    # With descent at rate one the update is the gradient, with its sign.
    state, metrics, text = _one_step(_meta_loss(), over_tasks, devices, optax.sgd(1.0))
    assert state.step == 1
    np.testing.assert_allclose(metrics["loss"], mean_loss, rtol=1e-5)
    start = small.params()
    scale = max(np.abs(g).max() for g in jax.tree.leaves(mean_grads))
    jax.tree.map(
        lambda new, old, g: np.testing.assert_allclose(old - new, g, atol=1e-5 * scale),
        state.params,
        start,
        mean_grads,
    )
    jax.tree.map(
        lambda average, old, new: np.testing.assert_allclose(
            average, 0.75 * old + 0.25 * new, atol=1e-6
        ),
        state.average,
        start,
        state.params,
    )
    assert len(re.findall(r"= .*? all-reduce(?:-start)?\(", text)) == 1
    assert "all-gather" not in text


def test_no_inner_step_is_plain_training():
    """K = 0: the meta-gradient is that of the query loss."""
    clip, key = CLIPS[0], jax.random.key(3)
    params = small.params()
    after = _meta_loss(steps=0, unadapted_weight=0.0)
    both = _meta_loss(steps=0, unadapted_weight=1.0)
    (value, _), (twice, metrics) = (
        jax.jit(f)(params, clip, key) for f in (after, both)
    )
    np.testing.assert_allclose(twice, 2 * value, rtol=1e-6)
    np.testing.assert_allclose(
        metrics["query_loss"], metrics["query_loss_unadapted"], rtol=1e-6
    )


def test_large_scale_training_learns():
    """Ten steps on one batch lower its loss."""
    loss = meta_step.large_scale_loss(
        small.MODEL, small.DISTANCE, small.generator(mean3_probability=0.5)
    )
    optimizer = optax.adam(1e-2)
    mesh = sharding.mesh(jax.devices()[:1])
    step = sharding.outer_step(
        meta_step.mean_gradient(loss, over_tasks="vmap"),
        optimizer,
        mesh,
        average_decay=0.9,
    )
    state = sharding.replicate(_state(optimizer), mesh)
    clips = sharding.split(CLIPS[:2], mesh)
    losses = []
    for _ in range(10):
        state, metrics = step(state, clips, KEY)
        losses.append(float(metrics["loss"]))
    assert losses[-1] < 0.7 * losses[0]


def test_unknown_way_over_tasks():
    with pytest.raises(ValueError, match="vmap or scan; got 'loop'"):
        meta_step.mean_gradient(_meta_loss(), over_tasks="loop")
