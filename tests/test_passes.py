"""Plans fit in memory, cost little, and their memory is what the compiler plans."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adavsr_jax import kernels, passes
from experiments import shipped

COST = passes.Cost(work=(1.0, 2.0), memory=(480.0, 600.0))
RADIUS = (5, 31)


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (180, 320), (1080, 1920)])
@pytest.mark.parametrize("gib", [1, 4, 16])
def test_what_is_chosen_fits(size, gib):
    plan, needed = passes.choose(*size, radius=RADIUS, cost=COST, memory=gib * 2**30)
    assert needed <= gib * 2**30
    assert 1 <= plan.height <= size[0] and 1 <= plan.width <= size[1]


def test_more_memory_is_never_worse():
    work = []
    for gib in (1, 2, 4, 8, 16, 64):
        plan, _ = passes.choose(
            1080, 1920, radius=RADIUS, cost=COST, memory=gib * 2**30
        )
        work.append(passes._needs(plan, 1080, 1920, RADIUS, COST)[0])
    # The cheapest within a few percent, for less memory.
    assert all(b <= 1.06 * a for a, b in itertools.pairwise(work))
    whole = passes.Plan(64, 1080, 1920)
    least = passes._needs(whole, 1080, 1920, RADIUS, COST)[0]
    assert work[-1] < 1.15 * least < work[0]


def test_too_little_memory_is_told_with_what_is_needed():
    with pytest.raises(ValueError, match="1920 x 1080 need .* GiB at least"):
        passes.choose(1080, 1920, radius=RADIUS, cost=COST, memory=2**20)


@pytest.mark.parametrize("count, window", [(1, 8), (8, 8), (9, 16), (17, 24), (99, 32)])
def test_a_short_shot_has_a_short_window(count, window):
    assert passes.Plan(32, 9, 9).window_for(count) == window


@pytest.mark.parametrize(
    "network, back_projections, window, more",
    [("s", 0, 32, 0), ("s", 3, 32, 0), ("b", 3, 64, 14)],
)
def test_memory_is_what_the_compiler_plans(network, back_projections, window, more):
    weights = shipped.network(network)
    size, code = (36, 64), 1
    plan, _ = weights.plan(*size, back_projections=back_projections)
    assert plan == passes.Plan(window, *size, more)
    lead, _ = weights._radius(back_projections)
    lr = jax.ShapeDtypeStruct((plan.window + 2 * lead, *size, 3), jnp.uint8)
    kernel = np.asarray(kernels.bicubic())
    lower = functools.partial(
        weights._network.lower, weights.params, kernel, back_projections
    )
    compiled = lower(lr, len(lr.shape), 0, plan.window).compile()
    measured = compiled.memory_analysis().temp_size_in_bytes
    results = 3 * 2 * (plan.window + more) * 48 * size[0] * size[1] * code
    _, needed = weights.plan(*size, back_projections=back_projections)
    assert 0.95 * measured <= needed - results <= 1.5 * measured
