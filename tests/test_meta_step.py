"""The outer step: one device, eight devices, vmap and scan are one number."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import small

from adavsr_jax import (
    inner_loop,
    meta_gradient,
    meta_step,
    objectives,
    sharding,
    step_sizes,
    tasks,
)

COUNT = 8
CLIPS = small.clips(COUNT)
KEY = jax.random.key(11)


def _meta_loss(**changes):
    inner = {"steps": 2, "gradient": meta_gradient.mixed}
    inner |= {name: changes.pop(name) for name in list(changes) if name in inner}
    settings = {
        "adapt": functools.partial(inner_loop.adapt, **inner),
        "step_size": {"tsr": 0.05, "ssr": 0.1},
        "unadapted_weight": 0.5,
    }
    return meta_step.meta_loss(
        small.MODEL, small.DISTANCE, small.generator(), **settings | changes
    )


def _state(optimizer):
    return meta_step.init(small.params(), optimizer)


def _one_step(loss, over_tasks, devices, optimizer, count=COUNT):
    """State, metrics and traces after one step, and the compiled text."""
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
    results = [
        one(small.params(), *task, 0.0) for task in zip(CLIPS, keys, strict=True)
    ]
    mean = jax.tree.map(lambda *leaves: np.mean(leaves, axis=0), *results)
    traces = np.stack([aux[1] for (_, aux), _ in results])
    return mean[0][0], mean[1], traces


@pytest.mark.parametrize(("over_tasks", "devices"), [("vmap", 8), ("scan", 2)])
def test_the_outer_step_equals_a_python_loop(by_hand, over_tasks, devices):
    mean_loss, mean_grads, traces = by_hand
    # With descent at rate one the update is the gradient, with its sign.
    state, metrics, found, text = _one_step(
        _meta_loss(), over_tasks, devices, optax.sgd(1.0)
    )
    assert state.step == 1
    np.testing.assert_allclose(found, traces, rtol=1e-5)  # each task in its place
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
    (value, _), (twice, (metrics, _)) = (
        jax.jit(f)(params, clip, key, 0.0) for f in (after, both)
    )
    np.testing.assert_allclose(twice, 2 * value, rtol=1e-6)
    np.testing.assert_allclose(
        metrics["query_loss"], metrics["query_loss_unadapted"], rtol=1e-6
    )


def test_joint_training_sees_both_networks_in_a_row():
    """Its loss is eq. 4 on the pair of large-scale training; SSR's part moves TSR."""
    clip, key, params = CLIPS[0], jax.random.key(3), small.params()
    drawn = small.generator()
    loss = meta_step.joint_loss(small.MODEL, small.DISTANCE, drawn)
    (value, _), grads = jax.jit(jax.value_and_grad(loss, has_aux=True))(
        params, clip, key, 0.0
    )
    pair, _ = tasks.pretraining(key, clip, drawn)
    hfr, hr = small.MODEL.apply({"params": params}, pair.lfr)
    wanted = small.DISTANCE(hr, pair.hr) + small.DISTANCE(hfr, pair.hfr)
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    apart = meta_step.large_scale_loss(small.MODEL, small.DISTANCE, drawn, ("ssr",))
    alone, _ = jax.jit(jax.grad(apart, has_aux=True))(params, clip, key, 0.0)
    norms = [optax.tree.norm(each["tsr"]) for each in (grads, alone)]
    assert norms[0] > 0 and norms[1] == 0


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
        state, metrics, _ = step(state, clips, KEY)
        losses.append(float(metrics["loss"]))
    assert losses[-1] < 0.7 * losses[0]


def test_unknown_way_over_tasks():
    with pytest.raises(ValueError, match="auto, vmap or scan; got 'loop'"):
        meta_step.mean_gradient(_meta_loss(), over_tasks="loop")


def _grad(loss, progress=0.0, params=None):
    derive = jax.jit(jax.value_and_grad(loss, has_aux=True))
    params = small.params() if params is None else params
    return derive(params, CLIPS[0], jax.random.key(3), progress)


def test_the_multi_step_loss_moves_from_the_mean_to_the_last():
    many = _meta_loss(multi_step_share=0.5, unadapted_weight=0.0)
    steps = [_grad(_meta_loss(steps=k, unadapted_weight=0.0)) for k in (1, 2)]
    mean = jax.tree.map(lambda a, b: (a + b) / 2, *((v, g) for (v, _), g in steps))
    last = steps[1][0][0], steps[1][1]
    for progress, expected in ((0.0, mean), (0.5, last), (1.0, last)):
        (value, _), grads = _grad(many, progress)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
            (value, grads),
            expected,
        )


def test_stages_follow_progress():
    """The first loss below its share, the second from there on."""

    def multiple(factor):
        def loss(params, clip, key, progress):
            value = factor * sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(params))
            return value, ({"loss": value}, ())

        return loss

    ways = [meta_step.mean_gradient(multiple(n), over_tasks="scan") for n in (1, 3)]
    annealed = jax.jit(meta_step.staged([(0.25, ways[0]), (1.0, ways[1])]))
    arguments = small.params(), CLIPS[:2], jax.random.split(KEY, 2)
    for progress, way in ((0.0, ways[0]), (0.2, ways[0]), (0.25, ways[1])):
        (_, found), _ = annealed(*arguments, jnp.float32(progress))
        (_, expected), _ = jax.jit(way)(*arguments, jnp.float32(progress))
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
            found,
            expected,
        )


def test_reptile_goes_where_adaptation_went():
    adapt = functools.partial(
        inner_loop.adapt, steps=2, gradient=meta_gradient.first_order
    )
    loss = meta_step.reptile_loss(
        small.MODEL, small.DISTANCE, small.generator(), adapt=adapt, step_size=0.1
    )
    params, key = small.params(), jax.random.key(3)
    _, grads = _grad(loss)
    support = jax.jit(lambda k, c: tasks.make(k, c, small.generator()).support)(
        key, CLIPS[0]
    )
    objective = objectives.space_time(small.MODEL, small.DISTANCE)
    end = jax.jit(lambda p: adapt(p, support, objective, step_size=0.1).params)(params)
    jax.tree.map(
        lambda g, p, q: np.testing.assert_allclose(g, p - q, atol=1e-6),
        grads,
        params,
        end,
    )


def test_learned_step_sizes_train_with_the_weights():
    start = step_sizes.learned(small.params(), {"tsr": 0.05, "ssr": 0.1}, 2)
    (value, _), grads = _grad(_meta_loss(), params=start)
    (fixed, _), plain = _grad(_meta_loss())
    np.testing.assert_allclose(value, fixed, rtol=1e-5)
    rates = grads.pop("log_step_size")
    assert all(rate.shape == (2,) and rate.any() for rate in jax.tree.leaves(rates))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5),
        grads,
        plain,
    )


def test_progress_goes_from_0_to_1_over_the_span_of_a_phase():
    def gradient(params, clips, keys, progress):
        del clips, keys
        still = jax.tree.map(jnp.zeros_like, params)
        return ({"progress": progress}, still), ()

    rule, mesh = optax.adam(1e-3), sharding.mesh(jax.devices()[:1])
    step = sharding.outer_step(gradient, rule, mesh, average_decay=0.5, span=(3, 7))
    state = _state(rule)._replace(step=jnp.int32(3))
    seen = []
    for _ in range(4):
        state, metrics, _ = step(state, np.zeros((1, 3, 8, 8, 3), np.uint8), KEY)
        seen.append(float(metrics["progress"]))
    assert seen == [0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_a_step_that_is_not_finite_is_left_out_and_counted(where):
    """A bad task among good ones changes nothing but the counts; the next step does."""

    def loss(params, clip, key, progress):
        total = sum(jnp.sum(leaf) for leaf in jax.tree.leaves(params))
        bad = clip[0, 0, 0, 0] == 255
        value = total + jnp.where(bad, jnp.nan, 0.0)
        if where == "gradient":  # the root of nothing has none, and is finite
            value = jnp.sqrt(jnp.where(bad, 0.0, 1.0) * (total**2 + 1))
        return value, ({"loss": value}, ())

    rule = optax.adam(1e-3)
    mesh = sharding.mesh(jax.devices()[:2])
    gradient = meta_step.mean_gradient(loss, over_tasks="vmap")
    step = sharding.outer_step(gradient, rule, mesh, average_decay=0.5)
    good, bad = np.zeros((2, 4, 3, 8, 8, 3), np.uint8)
    bad[2] = 255
    state = sharding.replicate(_state(rule), mesh)
    key = sharding.replicate(KEY, mesh)
    found = []
    for clips in (good, bad, bad, good):
        state, _, _ = step(state, sharding.split(clips, mesh), key)
        found.append(jax.device_get(state))
    assert [each.bad.tolist() for each in found] == [[0, 0], [1, 1], [2, 2], [2, 0]]
    assert [int(each.step) for each in found] == [1, 2, 3, 4]
    for name in ("params", "average", "optimizer"):
        before, first, second, after = (getattr(each, name) for each in found)
        jax.tree.map(np.testing.assert_array_equal, before, first)
        jax.tree.map(np.testing.assert_array_equal, before, second)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(after))
        moved = jax.tree.map(lambda a, b: np.any(a != b), before, after)
        assert any(jax.tree.leaves(moved))
