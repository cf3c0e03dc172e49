"""Algorithm 2 on one shot: descent on its own reduction, from its own middle."""

import functools

import jax
import numpy as np
import pytest
import small

from adavsr_jax import inner_loop, internal_learning, kernels

LEARN = jax.jit(
    functools.partial(
        internal_learning.learn,
        model=small.MODEL,
        distance=small.DISTANCE,
        step_size=0.02,
        temporal=True,
        adapt=inner_loop.adapt,
    ),
    static_argnames="steps",
)
KERNEL = kernels.gaussian(1.5, 1.0, 0.4)


def test_the_loss_on_the_shot_itself_falls():
    _, losses = LEARN(small.params(), small.clips(1, 4, 32)[0], KERNEL, steps=4)
    assert losses[1] < 0.95 * losses[0]


@pytest.mark.parametrize(
    "count, most, kept", [(9, 4, slice(2, 6)), (9, 9, slice(9)), (3, 25, slice(3))]
)
def test_the_middle_of_a_long_shot_is_kept(count, most, kept):
    shot = np.arange(count)
    np.testing.assert_array_equal(internal_learning.middle(shot, most), shot[kept])
