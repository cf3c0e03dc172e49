"""Internal learning believes its steps only where the result reduces to the shot."""

import functools

import jax
import numpy as np
import pytest
import small

from adavsr_jax import (
    degradation,
    inner_loop,
    internal_learning,
    kernels,
    metrics,
    pixels,
)

SHOT = small.clips(1, 6, 48)[0]
KERNEL = kernels.gaussian(1.5, 1.0, 0.4)


@functools.partial(small.jit, static_argnums=1)
def _learn(shot, wanted):
    """`learn` from `small.params`, asked for `wanted` times the consistency."""
    before = internal_learning._CONSISTENT
    internal_learning._CONSISTENT = wanted
    try:
        return internal_learning.learn(
            small.params(),
            shot,
            KERNEL,
            model=small.MODEL,
            distance=metrics.l1,
            steps=3,
            step_size=0.02,
            temporal=True,
            adapt=inner_loop.adapt,
        )
    finally:
        internal_learning._CONSISTENT = before


@pytest.fixture(scope="module")
def learned():
    return _learn(SHOT, 0.0)


def test_it_looks_at_the_middle_of_the_shot_restored_and_reduced_again(learned):
    given = pixels.to_float(SHOT[1:5])
    best = int(internal_learning.choose(learned.held_out))
    assert best > 0
    for n, found in zip((0, best), learned.inconsistency, strict=True):
        weights = jax.tree.map(lambda leaf, n=n: leaf[n], learned.trajectory)
        _, hr = small.MODEL.apply({"params": weights}, given[None], KERNEL)
        again = degradation.blur_and_reduce(hr[0, ::2], KERNEL)
        expected = np.mean((np.asarray(again) - given) ** 2)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_no_step_is_taken_unless_it_comes_nearer_by_the_factor(learned):
    best = int(internal_learning.choose(learned.held_out))
    ratio = float(learned.inconsistency[0] / learned.inconsistency[1])
    for wanted, steps in ((0.99 * ratio, best), (1.01 * ratio, 0)):
        found = _learn(SHOT, wanted)
        assert int(found.steps) == steps
        chosen = jax.tree.map(lambda leaf, n=steps: leaf[n], found.trajectory)
        jax.tree.map(np.testing.assert_array_equal, found.params, chosen)
