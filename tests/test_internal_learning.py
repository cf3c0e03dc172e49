"""Algorithm 2 on one shot: descent on its own reduction, from its own middle."""

import functools

import jax
import numpy as np
import small

from adavsr_jax import internal_learning, kernels

LEARN = jax.jit(
    functools.partial(
        internal_learning.learn,
        model=small.MODEL,
        distance=small.DISTANCE,
        step_size=0.02,
        temporal=True,
        max_frames=4,
    ),
    static_argnames="steps",
)
KERNEL = kernels.gaussian(1.5, 1.0, 0.4)


def test_the_loss_on_the_shot_itself_falls():
    _, losses = LEARN(small.params(), small.clips(1, 4, 32)[0], KERNEL, steps=4)
    assert losses[1] < 0.95 * losses[0]


def test_a_long_shot_is_learned_from_its_middle():
    lr = small.clips(1, 9, 32)[0]
    long, _ = LEARN(small.params(), lr, KERNEL, steps=1)
    middle, _ = LEARN(small.params(), lr[2:6], KERNEL, steps=1)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), long, middle)
