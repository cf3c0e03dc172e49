"""Each value of the config becomes the argument of the library that it stands for.

What is built and what is written down by hand are traced: equal programs are equal.
"""

import functools

import jax
import numpy as np
import pytest
import tiny_config

from adavsr_jax import (
    inner_loop,
    inner_rules,
    meta_gradient,
    meta_step,
    metrics,
    sharding,
)
from experiments import build

KEY, PROGRESS = jax.random.key(0), np.float32(0.3)
CLIP = np.zeros((3, 32, 32, 3), np.uint8)


def _stages(config):
    (phase,) = build.phases(config, sharding.mesh(jax.devices()[:1]))
    return phase.losses


def _program(config, loss):
    params = jax.eval_shape(lambda: build.initial_state(config)).params
    value = lambda params, progress: loss(params, CLIP, KEY, progress)[0]
    return str(jax.make_jaxpr(jax.value_and_grad(value))(params, PROGRESS))


def _common(config):
    """Networks, distance and tasks, the first arguments of every loss."""
    section = "degradation" if config.meta.steps else "large_scale"
    dtype = "bfloat16" if config.large_scale.bfloat16 else None
    charbonnier = functools.partial(metrics.charbonnier, epsilon=config.loss.epsilon)
    return build.model(config, dtype), charbonnier, build.generator(config, section)


def _maml(config, unadapted_weight=0.1, multi_step_share=0.0, **inside):
    whole = {
        "rule": inner_rules.descent(),
        "mask": _mask(lambda name: True),
        "gradient": meta_gradient.saved,
        "steps": 2,
        "exact_steps": 2,
        "trunk_term": True,
    }
    return meta_step.meta_loss(
        *_common(config),
        adapt=functools.partial(inner_loop.adapt, **(whole | inside)),
        step_size={"tsr": 0.03, "ssr": 0.3},
        unadapted_weight=unadapted_weight,
        multi_step_share=multi_step_share,
    )


def _mask(chosen):
    name = functools.partial(jax.tree_util.keystr, simple=True, separator="/")
    shapes = build.parameter_shapes(tiny_config.make())
    return jax.tree_util.tree_map_with_path(lambda p, _: chosen(name(p)), shapes)


def _reptile(config):
    mask, rule = _mask(lambda name: True), inner_rules.descent()
    first = meta_gradient.first_order
    adapt = functools.partial(
        inner_loop.adapt,
        rule=rule,
        mask=mask,
        gradient=first,
        steps=2,
        exact_steps=2,
        trunk_term=True,
    )
    rates = {"tsr": 0.03, "ssr": 0.3}
    return meta_step.reptile_loss(*_common(config), adapt=adapt, step_size=rates)


_TAIL = lambda: _mask(lambda name: name.startswith("ssr/trunk/Conv_3/"))
_LARGE = {"large_scale.steps": 4, "large_scale.patch": 32, "meta.steps": 0}
_CASES = {
    "as it is": ({}, lambda c: [(1.0, _maml(c))]),
    "adam": (
        {"inner.rule": "adam"},
        lambda c: [(1.0, _maml(c, rule=inner_rules.adam()))],
    ),
    "recomputed": (
        {"inner.remat": "recompute"},
        lambda c: [(1.0, _maml(c, gradient=meta_gradient.mixed))],
    ),
    "reverse": (
        {"inner.gradient": "reverse"},
        lambda c: [(1.0, _maml(c, gradient=jax.value_and_grad))],
    ),
    "first order": (
        {"inner.gradient": "first_order"},
        lambda c: [(1.0, _maml(c, gradient=meta_gradient.first_order))],
    ),
    "truncated": (
        {"inner.exact_steps": 1},
        lambda c: [(1.0, _maml(c, exact_steps=1))],
    ),
    "tail alone": (
        {"inner.adapted": ("ssr/trunk/Conv_3",)},
        lambda c: [(1.0, _maml(c, mask=_TAIL()))],
    ),
    "without the trunk's term": (
        {"inner.adapted": ("ssr/trunk/Conv_3",), "inner.trunk_term": False},
        lambda c: [(1.0, _maml(c, mask=_TAIL(), trunk_term=False))],
    ),
    "unadapted too": (
        {"meta.unadapted_weight": 0.7},
        lambda c: [(1.0, _maml(c, 0.7))],
    ),
    "every step's query": (
        {"meta.multi_step_share": 0.75},
        lambda c: [(0.75, _maml(c, multi_step_share=0.75)), (1.0, _maml(c))],
    ),
    "first order first": (
        {"meta.first_order_share": 0.5},
        lambda c: [
            (0.5, _maml(c, gradient=meta_gradient.first_order)),
            (1.0, _maml(c)),
        ],
    ),
    "reptile": ({"meta.algorithm": "reptile"}, lambda c: [(1.0, _reptile(c))]),
    "apart": (
        _LARGE,
        lambda c: [(1.0, meta_step.large_scale_loss(*_common(c)))],
    ),
    "one alone": (
        _LARGE | {"large_scale.modules": ("ssr",)},
        lambda c: [(1.0, meta_step.large_scale_loss(*_common(c), ("ssr",)))],
    ),
    "then end to end": (
        _LARGE | {"large_scale.joint_from": 0.25},
        lambda c: [
            (0.25, meta_step.large_scale_loss(*_common(c))),
            (1.0, meta_step.joint_loss(*_common(c))),
        ],
    ),
    "in half precision": (
        _LARGE | {"large_scale.joint_from": 0.0, "large_scale.bfloat16": True},
        lambda c: [(1.0, meta_step.joint_loss(*_common(c)))],
    ),
}


@functools.cache
def _by_hand(name):
    changes, make = _CASES[name]
    config = tiny_config.make(**changes)
    return [(until, _program(config, loss)) for until, loss in make(config)]


@pytest.mark.parametrize("name", _CASES)
def test_what_is_built_is_what_the_value_says(name):
    config = tiny_config.make(**_CASES[name][0])
    found = [(until, _program(config, loss)) for until, loss in _stages(config)]
    assert found == _by_hand(name)


def test_no_two_values_mean_the_same():
    """Else the equalities above would say nothing."""
    assert len({tuple(_by_hand(name)) for name in _CASES}) == len(_CASES)
