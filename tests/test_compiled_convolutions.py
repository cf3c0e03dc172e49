"""Which convolutions are left in a compiled meta-gradient, over tasks side by side.

With `lax`'s convolution in place of ours the same network breaks either law, so both
laws are about something.
"""

import functools
import re

import jax
import jax.numpy as jnp
import laws
import numpy as np
import pytest
import small

from adavsr_jax import convolution, inner_loop, meta_gradient, meta_step

WAYS = {
    "first order": meta_gradient.first_order,
    "mixed": meta_gradient.mixed,
    "saved": meta_gradient.saved,
}
TASKS = 3


@pytest.fixture(name="textbook")
def _textbook(monkeypatch):
    """Exchanges the convolution of the networks for `lax`'s when it is called."""
    return functools.partial(
        monkeypatch.setattr,
        convolution,
        "conv_general_dilated",
        jax.lax.conv_general_dilated,
    )


def _program(way, over_tasks):
    """The traced mean meta-gradient of two inner steps, and the query loss unadapted.

    Under `vmap` the inner loop has weights a task, the unadapted query one for all.
    """
    objective = small.spatial_loss()

    def loss(params, task, key, progress):
        del key, progress
        adapted = inner_loop.adapt(
            params, task[0], objective, steps=2, step_size=0.1, gradient=WAYS[way]
        )
        value = objective(adapted.params, task[1]) + objective(params, task[1])
        return value, ({}, ())

    clips = jnp.asarray(small.spatial_tasks(TASKS), jnp.float32)
    mean_gradient = meta_step.mean_gradient(loss, over_tasks=over_tasks)
    traced = jax.jit(mean_gradient).trace
    return traced(small.params()["ssr"], clips, np.zeros(TASKS), 0.0)


def _compiled(way, over_tasks):
    return _program(way, over_tasks).lower().compile().as_text()


def _groups(text):
    """The groups of each convolution in a compiled text, forward and backward."""
    lines = laws.convolutions(text)
    counts = [map(int, re.findall(r"group_count=(\d+)", line)) for line in lines]
    return [max(found, default=1) for found in counts]


@pytest.mark.parametrize("way", WAYS)
def test_no_convolution_is_grouped_under_vmap_over_weights(way, textbook):
    assert set(_groups(_compiled(way, "vmap"))) == {1}
    textbook()
    assert TASKS in _groups(_compiled(way, "vmap"))


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
def test_none_is_handed_to_an_accelerators_compiler(platform, textbook):
    def groups():
        lowered = _program("mixed", "vmap").lower(lowering_platforms=(platform,))
        return set(re.findall(r"_group_count = (\d+)", lowered.as_text()))

    assert groups() == {"1"}
    textbook()
    assert groups() == {"1", str(TASKS)}


@pytest.mark.parametrize("way", WAYS)
def test_only_canonical_convolutions_are_compiled_under_scan(way, textbook):
    laws.check_canonical(_compiled(way, "scan"))
    textbook()
    with pytest.raises(AssertionError, match="dim_labels"):
        laws.check_canonical(_compiled(way, "scan"))


@pytest.mark.slow
def test_only_canonical_convolutions_are_compiled_for_tasks_of_both_networks():
    """Of clips large enough: XLA swaps an image and a kernel that is the larger."""
    adapt = functools.partial(inner_loop.adapt, steps=2, gradient=meta_gradient.mixed)
    loss = meta_step.meta_loss(
        small.MODEL,
        small.DISTANCE,
        small.generator(),
        adapt=adapt,
        step_size=0.1,
        unadapted_weight=0.5,
    )
    mean_gradient = meta_step.mean_gradient(loss, over_tasks="scan")
    keys = jax.random.split(jax.random.key(0), 2)
    arguments = small.params(), small.clips(2, size=64), keys, 0.0
    laws.check_canonical(jax.jit(mean_gradient).lower(*arguments).compile().as_text())
