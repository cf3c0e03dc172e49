"""What is built from config.inner and config.meta trains; bad values are refused."""

import jax
import numpy as np
import pytest
import tiny_config

from adavsr_jax import sharding
from experiments import build, build_inner, cli

KERNEL = np.full((20, 20), 1 / 400, np.float32)
CLIPS = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32, 3), np.uint8)


def _train(config):
    """Parameters, their change and the traces of the first step."""
    mesh = sharding.mesh(jax.devices()[:2])
    (phase,) = build.phases(config, mesh)
    state = build.initial_state(config)
    before = jax.device_get(state.params)
    state, _, losses = phase.step(
        sharding.replicate(state, mesh),
        sharding.split(CLIPS, mesh),
        sharding.replicate(jax.random.key(0), mesh),
    )
    after = jax.device_get(state.params)
    return before, jax.tree.map(np.subtract, after, before), np.asarray(losses)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {
            "inner.rule": "adam",
            "inner.learn_step_sizes": True,
            "inner.adapted": ("ssr/trunk",),
            "outer.over_tasks": "vmap",
        },
        {"meta.multi_step_share": 0.75, "meta.first_order_share": 0.5},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_is_built_trains_and_restores(changes):
    config = tiny_config.make(**changes)
    before, moved, losses = _train(config)
    assert losses.shape == (2, 2) and np.isfinite(losses).all()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(moved))
    # The tail starts at zero and holds all else back, but it moves itself.
    assert np.abs(moved["ssr"]["trunk"]["Conv_3"]["kernel"]).max() > 0
    assert ("log_step_size" in before) == config.inner.learn_step_sizes
    # Whatever was trained restores.
    learn = jax.jit(build.learner(config), static_argnames="steps")
    learned = learn(before, CLIPS[0], KERNEL, steps=2)
    assert set(learned.params) == {"tsr", "ssr"}
    assert np.isfinite(learned.held_out).all() and learned.held_out.shape == (3,)
    build.model(config).apply({"params": before}, np.zeros((1, 2, 8, 8, 3), "f4"))


def test_the_mask_is_of_paths():
    shapes = build.parameter_shapes(tiny_config.make())
    adapts = build_inner.adapt(
        tiny_config.make(**{"inner.adapted": ("ssr/trunk/Conv_3",)}), shapes
    )
    assert _moved(adapts) == ["ssr/trunk/Conv_3/bias", "ssr/trunk/Conv_3/kernel"]


def _moved(adapts):
    """The paths of parameters that adapt."""
    return [
        jax.tree_util.keystr(path, simple=True, separator="/")
        for path, moves in jax.tree_util.tree_leaves_with_path(adapts.keywords["mask"])
        if moves
    ]


def test_a_name_is_not_the_beginning_of_a_longer_one():
    conv = lambda number: {f"Conv_{number}": {"bias": 0, "kernel": 0}}
    shapes = {"tsr": conv(0), "ssr": {"trunk": conv(3) | conv(30)}}
    adapted = lambda *paths: _moved(
        build_inner.adapt(tiny_config.make(**{"inner.adapted": paths}), shapes)
    )
    three = ["ssr/trunk/Conv_3/bias", "ssr/trunk/Conv_3/kernel"]
    assert adapted("ssr/trunk/Conv_3") == adapted("ssr/trunk/Conv_3/") == three
    assert adapted("ssr/trunk/Conv_3/bias") == three[:1]
    assert len(adapted("ssr/trunk")) == len(adapted("ssr")) == 4
    assert len(adapted("tsr", "ssr")) == 6
    with pytest.raises(cli.InputError, match="no parameter's path starts with 'ss'"):
        adapted("ss")


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"inner.steps": -1}, "config.inner.steps must be 0 or more; got -1"),
        ({"inner.exact_steps": -2}, "config.inner.exact_steps must be -1"),
        ({"inner.gradient": "second"}, "one of mixed, reverse, first_order; got 'sec"),
        ({"inner.remat": "never"}, "one of auto, recompute, save; got 'never'"),
        ({"inner.rule": "sgd"}, "config.inner.rule must be one of descent, adam; got"),
        ({"inner.adapted": ("ssr/head",)}, "starts with 'ssr/head'; there are ssr/tr"),
        ({"meta.algorithm": "imaml"}, "must be one of maml, reptile; got 'imaml'"),
        ({"meta.first_order_share": 1.5}, "meta.first_order_share must be between"),
        (
            {"inner.steps": 0, "meta.multi_step_share": 0.5},
            "config.meta.multi_step_share needs an inner step",
        ),
        (
            {"inner.learn_step_sizes": True, "inner.ssr_step_size": 0.0},
            "config.inner.ssr_step_size must be above 0 to be learned; got 0.0",
        ),
        (
            {"meta.algorithm": "reptile", "inner.learn_step_sizes": True},
            "config.meta.algorithm must be maml where config.inner.learn_step_sizes",
        ),
        ({"outer.average_decay": 1.0}, "average_decay must be 0 or more and below 1;"),
        ({"outer.over_tasks": "loop"}, "one of auto, vmap, scan; got 'loop'"),
    ],
)
def test_bad_values_are_refused_by_name(changes, words):
    with pytest.raises(cli.InputError) as caught:
        build.phases(tiny_config.make(**changes), sharding.mesh(jax.devices()[:1]))
    assert words in str(caught.value)
