"""Algorithm 2 on one shot: descent on its own reduction while unseen patches gain."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small

from adavsr_jax import (
    inner_loop,
    internal_learning,
    kernels,
    objectives,
    pixels,
    resampling,
    tasks,
)

KERNEL = kernels.gaussian(1.5, 1.0, 0.4)
SHOT = small.clips(1, 4, 48)[0]
STEPS, STEP_SIZE = 3, 0.02


def _learn(lr=SHOT, steps=STEPS, step_size=STEP_SIZE, spoil=0.0):
    """`learn`; the targets of what is held out are off by `spoil` while it learns."""
    return _program(lr, steps, *map(np.float32, (step_size, spoil)))


@functools.partial(small.jit, static_argnums=1)
def _program(lr, steps, step_size, spoil):
    def adapt(weights, task, loss, **settings):
        spoiled = task._replace(
            hfr=task.hfr + spoil * _hidden(task.hfr, 1),
            hr=task.hr + spoil * _hidden(task.hr, 4),
        )
        return inner_loop.adapt(weights, spoiled, loss, **settings)

    return internal_learning.learn(
        small.params(),
        lr,
        KERNEL,
        model=small.MODEL,
        distance=small.DISTANCE,
        steps=steps,
        step_size=step_size,
        temporal=True,
        adapt=adapt,
    )


def _hidden(frames, factor):
    """1 where frames of `factor` times the size of SLR are held out, else 0."""
    height, width = (size // factor for size in frames.shape[2:4])
    mask = internal_learning._held_out(height, width)
    mask = np.kron(mask, np.ones((factor, factor)))[..., None]
    return np.broadcast_to(mask, frames.shape).astype(np.float32)


@pytest.fixture(scope="module")
def learned():
    return _learn()


def test_what_is_held_out_teaches_nothing(learned):
    spoiled = _learn(spoil=0.3)
    jax.tree.map(np.testing.assert_array_equal, spoiled.trajectory, learned.trajectory)


def test_the_rest_is_learned_from_by_gradient_descent(learned):
    task = tasks.support(pixels.to_float(SHOT), KERNEL)

    def seen(weights):
        between, hr = small.MODEL.apply({"params": weights}, task.lfr, task.kernel)
        value = 0.0
        for found, target, factor in ((between, task.hfr, 1), (hr, task.hr, 4)):
            # Charbonnier, small.DISTANCE, over the pixels that are not held out.
            errors = jnp.sqrt((found - target) ** 2 + 0.05**2)
            value += jnp.mean(errors, where=_hidden(target, factor) == 0)
        return value

    values, gradients = small.jit(jax.vmap(jax.value_and_grad(seen)))(
        learned.trajectory
    )
    assert (np.diff(values) < 0).all()
    jax.tree.map(
        lambda path, slope: np.testing.assert_allclose(
            np.diff(path, axis=0), -STEP_SIZE * slope[:-1], atol=2e-6
        ),
        learned.trajectory,
        gradients,
    )


def test_the_held_out_error_is_that_of_the_reconstruction(learned):
    task = tasks.support(pixels.to_float(SHOT), KERNEL)
    restore = small.jit(
        lambda weights: small.MODEL.apply({"params": weights}, task.lfr, task.kernel)[1]
    )
    for n in range(STEPS + 1):
        weights = jax.tree.map(lambda leaf, n=n: leaf[n], learned.trajectory)
        squares = np.asarray(restore(weights) - task.hr, np.float64) ** 2
        expected = squares[_hidden(squares, 4) == 1].mean()
        np.testing.assert_allclose(learned.held_out[n], expected, rtol=1e-5)


def test_the_step_with_the_least_error_is_kept(learned):
    assert learned.held_out.shape == (STEPS + 1,)
    assert int(learned.steps) == np.argmin(learned.held_out) > 0
    of_step = lambda n: jax.tree.map(lambda leaf: leaf[n], learned.trajectory)
    check = functools.partial(jax.tree.map, np.testing.assert_array_equal)
    check(of_step(0), small.params())
    check(of_step(int(learned.steps)), learned.params)


@pytest.mark.parametrize("step_size", [1e6, -0.02])
def test_steps_that_harm_are_not_kept(step_size):
    found = _learn(step_size=step_size)
    assert int(found.steps) == 0
    jax.tree.map(np.testing.assert_array_equal, found.params, small.params())


def test_no_steps_keep_the_weights(learned):
    found = _learn(steps=0)
    assert int(found.steps) == 0
    jax.tree.map(np.testing.assert_array_equal, found.params, small.params())
    np.testing.assert_allclose(found.held_out, learned.held_out[:1], rtol=1e-6)


def test_a_picture_of_one_block_says_of_no_step_that_it_helps():
    found = _learn(SHOT[:, :16, :16])
    assert int(found.steps) == 0 and np.isnan(found.held_out).all()
    jax.tree.map(np.testing.assert_array_equal, found.params, small.params())


class _Apart:
    """Learns brightness alone, of TSR and of SSR, which sees nothing of TSR's."""

    def apply(self, variables, lfr, kernel):
        del kernel
        weights, between = variables["params"], resampling.interpolate_linear(lfr)
        return between + weights["tsr"], resampling.upsample(between) + weights["ssr"]


def test_without_its_term_tsr_learns_only_through_what_ssr_makes():
    """Eq. 10: here that is nothing; SSR learns the same with the term or without."""
    start = {"tsr": np.float32(0.2), "ssr": np.float32(-0.1)}

    @small.jit
    def trajectories(start):
        return [
            internal_learning.learn(
                start,
                SHOT[:3, :20, :20],
                KERNEL,
                model=_Apart(),
                distance=small.DISTANCE,
                steps=2,
                step_size=STEP_SIZE,
                temporal=temporal,
                adapt=inner_loop.adapt,
            ).trajectory
            for temporal in (True, False)
        ]

    with_term, without = trajectories(start)
    np.testing.assert_array_equal(without["tsr"], np.full(3, start["tsr"]))
    assert (np.diff(with_term["tsr"]) < -1e-3).all()
    assert (np.diff(without["ssr"]) > 1e-3).all()
    np.testing.assert_allclose(without["ssr"], with_term["ssr"], rtol=1e-5)


_NAN, _INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "errors, steps",
    [
        ([3.0, 1.0, 2.0], 1),
        ([1.0, 2.0, 3.0], 0),
        ([1.0, 1.0, 1.0], 0),
        ([2.0, _NAN, 1.0, _INF], 2),
        ([1.0, _NAN, _NAN], 0),
        ([_NAN, _NAN], 0),
        ([_INF, _INF], 0),
        ([5.0], 0),
    ],
)
def test_the_least_finite_error_is_chosen_and_else_no_step(errors, steps):
    found = internal_learning.choose(jnp.array(errors))
    assert found == steps and found.dtype == jnp.int32


@pytest.mark.parametrize("height, width", [(20, 20), (23, 41), (64, 20)])
def test_no_row_and_no_column_of_a_picture_goes_without_a_held_out_block(height, width):
    mask = internal_learning._held_out(height, width)
    assert mask.shape == (height, width)
    assert mask.any(axis=0).all() and mask.any(axis=1).all()
    # Blocks of 4 x 4, and never two side by side.
    blocks = mask[::4, ::4]
    np.testing.assert_array_equal(
        np.kron(blocks, np.ones((4, 4)))[:height, :width], mask
    )
    assert not (blocks[1:] & blocks[:-1]).any()
    assert not (blocks[:, 1:] & blocks[:, :-1]).any()
    assert 0.1 < mask.mean() < 0.3


def test_a_fifth_of_a_large_picture_is_held_out_and_of_one_block_nothing():
    assert internal_learning._held_out(100, 60).mean() == 1 / 5
    for height in range(1, 5):
        assert not internal_learning._held_out(height, 4).any()
    for height in range(1, 40):
        for width in range(1, 40):
            assert not internal_learning._held_out(height, width).all()


@pytest.mark.parametrize(
    "count, most, kept", [(9, 4, slice(2, 6)), (9, 9, slice(9)), (3, 25, slice(3))]
)
def test_the_middle_of_a_long_shot_is_kept(count, most, kept):
    shot = np.arange(count)
    np.testing.assert_array_equal(internal_learning.middle(shot, most), shot[kept])


def test_drawn_weights_learn_a_shot_from_scratch():
    from_scratch = functools.partial(
        internal_learning.from_scratch,
        model=small.MODEL,
        distance=small.DISTANCE,
        steps=25,
        temporal=True,
        learning_rate=1e-2,
        final_learning_rate=1e-4,
    )
    weights, losses = small.jit(from_scratch)(small.params(), SHOT, KERNEL)
    loss = objectives.space_time(small.MODEL, small.DISTANCE)
    task = tasks.support(pixels.to_float(SHOT), KERNEL)
    first, last = (small.jit(loss)(p, task) for p in (small.params(), weights))
    np.testing.assert_allclose(losses[0], first, rtol=1e-5)
    assert last < losses[-1] < 0.6 * losses[0]
    # The rate has fallen a hundredfold: the end is calm.
    assert abs(losses[-1] - losses[-2]) < abs(losses[1] - losses[0]) / 10


def test_few_shapes_are_learned_from():
    frames = lambda count: np.zeros((count, 6, 9, 3), np.uint8)
    lengths = [len(internal_learning.sample(frames(n), 25)) for n in range(2, 40)]
    assert set(lengths) == {2, 4, 8, 16, 25}
    assert lengths[:7] == [2, 2, 4, 4, 4, 4, 8] and lengths[-1] == 25
    assert len(internal_learning.sample(frames(9), 3)) == 3
    assert len(internal_learning.sample(frames(1), 25)) == 1


def test_of_large_frames_the_detailed_part_is_learned_from():
    lr = np.full((5, 300, 700, 3), 90, np.uint16)
    noise = np.random.default_rng(0).integers(0, 999, (5, 256, 256, 3), np.uint16)
    lr[:, 40:296, 333:589] = noise
    np.testing.assert_array_equal(internal_learning.sample(lr, 4), noise[:4])
