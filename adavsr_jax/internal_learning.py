"""Algorithm 2, lines 1 to 5: the weights learn one shot from the shot itself."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from adavsr_jax import degradation, objectives, pixels, step_sizes, tasks

# The picture is cut into blocks of so many SLR pixels a side; each fifth is held out.
_BLOCK = 4
_EACH = 5
# Few lengths of shots, few programs; large frames are seen in part.
_LENGTHS, _SIDE = (2, 4, 8, 16), 256
# Frames that the second witness sees, and how many times nearer to them the adapted
# weights must come. Chosen on validation videos: 0.6 dB.
_WITNESSED = 4
_CONSISTENT = 1.15


class Learned(NamedTuple):
    """What internal learning leaves.

    Attributes:
      params: theta at the number of steps that were chosen.
      steps: that number, 0 .. n, int32.
      held_out: `[n + 1]`, the mean squared error of the shot's reconstruction from its
        own reduction, on the held-out patches, at theta_0 .. theta_n.
      inconsistency: `[2]`, the mean squared difference between the shot and what it was
        restored to, reduced again; at theta_0 and where `held_out` is least.
      trajectory: theta_0 .. theta_n, `params` with a leading axis of n + 1.
    """

    params: Any
    steps: jax.Array
    held_out: jax.Array
    inconsistency: jax.Array
    trajectory: Any


def sample(lr, max_frames):
    """What is learned from of a shot `[M, h, w, 3]`, integer codes.

    The middle of its frames, `max_frames` or one of a few smaller numbers, and of large
    frames the window of 256 x 256 with most detail. Taken before `learn` is compiled:
    a handful of programs then serve shots of all lengths, within bounded memory.
    """
    lengths = [n for n in (*_LENGTHS, max_frames) if n <= min(len(lr), max_frames)]
    lr = middle(lr, max(lengths, default=len(lr)))
    top, left = _detailed(lr[len(lr) // 2])
    return lr[:, top : top + _SIDE, left : left + _SIDE]


def middle(lr, count):
    """The middle `count` frames of a shot `[M, ...]`, or all."""
    first = max(0, (len(lr) - count) // 2)
    return lr[first : first + count]


def _detailed(frame):
    """`(top, left)` of the window of `_SIDE` x `_SIDE` with most detail."""
    if max(frame.shape[:2]) <= _SIDE:
        return 0, 0
    tone = frame.astype(np.float64).sum(axis=-1)
    steps = [np.abs(np.diff(tone, axis=n, append=tone.take([-1], n))) for n in (0, 1)]
    sums = np.pad(sum(steps), [(1, 0), (1, 0)]).cumsum(axis=0).cumsum(axis=1)
    height, width = (min(size, _SIDE) for size in tone.shape)
    inside = sums[height:] - sums[:-height]
    inside = inside[:, width:] - inside[:, :-width]
    return np.unravel_index(inside.argmax(), inside.shape)


def learn(params, lr, kernel, *, model, distance, steps, step_size, temporal, adapt):
    """Adapts to an LR shot by restoring it from its own reduction.

    Four fifths of the picture are learned from; the rest says when to stop, which may
    be before the first step: weights that do not help there are never kept. All of this
    happens one scale below that of the result. So a second witness is heard that stands
    at the right scale: what the adapted weights make of the shot must reduce to the
    shot much better than what the others made of it, or no step is taken.

    Rule, rate and loss are the inner loop's of training. Departure: Algorithm 2 steps
    with gamma = 1e-4, a hundredth of the alpha that the weights were meta-trained for
    and close to no step at all; here the two are one number. Its n is not given; here
    it is an upper bound.

    Args:
      params: meta-trained weights, with learned step sizes if they have any.
      lr: `[M, h, w, 3]` uint8, M >= 2 frames of one shot; see `sample`.
      kernel: `[20, 20]`, the shot's blur, known or estimated.
      model, distance, temporal: see `objectives.space_time`.
      steps: n >= 0, static. step_size: alpha, see `inner_loop`.
      adapt: `inner_loop.adapt`, with rule and mask as in training.

    Returns:
      A `Learned`.

    Raises:
      ValueError: fewer than 2 frames, or frames smaller than 4 x 4.
    """
    lr = pixels.to_float(lr)
    task = tasks.support(lr, kernel)
    held_out = _held_out(*task.lfr.shape[2:4])
    share = 1 - held_out.mean()

    def error(weights):
        _, hr = model.apply({"params": weights}, task.lfr, task.kernel)
        return jnp.mean((hr - task.hr) ** 2, where=_at(held_out, hr))

    def of_the_rest(prediction, target):
        # Where the target stands in for the prediction nothing is learned; what is
        # left is a mean over fewer pixels.
        hidden = _at(held_out, target)
        return distance(jnp.where(hidden, target, prediction), target) / share

    loss = objectives.space_time(model, of_the_rest, temporal=temporal)
    weights, rates = step_sizes.split(params, step_size)
    # The weights themselves are watched at every step: the best are picked at the end.
    errors, trajectory = jax.tree.map(
        lambda first, later: jnp.concatenate([first[None], later]),
        (error(weights), weights),
        adapt(
            weights,
            task,
            loss,
            steps=steps,
            step_size=rates,
            gradient=jax.value_and_grad,
            watch=lambda moved: (error(moved), moved),
        ).watched,
    )
    best = choose(errors)
    at = lambda step: jax.tree.map(lambda leaf: leaf[step], trajectory)
    given = middle(lr, _WITNESSED)
    differences = jnp.stack(
        [_inconsistency(model, at(step), given, kernel) for step in (0, best)]
    )
    believed = differences[0] >= _CONSISTENT * differences[1]  # not if it is no number
    taken = jnp.where(believed, best, 0)
    return Learned(at(taken), taken, errors, differences, trajectory)


def choose(held_out):
    """The number of steps, int32, with the least error of `[n + 1]`; 0 if none is."""
    finite = jnp.where(jnp.isfinite(held_out), held_out, jnp.inf)
    return jnp.argmin(finite).astype(jnp.int32)


def _inconsistency(model, params, lr, kernel):
    _, hr = model.apply({"params": params}, lr[None], kernel)
    again = degradation.blur_and_reduce(hr[0, ::2], kernel)
    return jnp.mean((again - lr) ** 2)


def from_scratch(
    params,
    lr,
    kernel,
    *,
    model,
    distance,
    steps,
    temporal,
    learning_rate,
    final_learning_rate,
):
    """Internal learning without external learning, as ZSSR does it (Shocher 2018).

    Drawn weights are trained on the shot's own reduction alone, by Adam with a rate
    that falls along a cosine. What a few steps from learned weights must beat.

    Args:
      params: drawn weights, without step sizes.
      lr, kernel, model, distance, temporal: as in `learn`.
      steps: 1,000 and more, static.
      learning_rate, final_learning_rate: of Adam.

    Returns:
      The weights, and the loss `[steps]` before each step.
    """
    task = tasks.support(pixels.to_float(lr), kernel)
    loss = objectives.space_time(model, distance, temporal=temporal)
    schedule = optax.cosine_decay_schedule(
        learning_rate, steps, alpha=final_learning_rate / learning_rate
    )
    rule = optax.adam(schedule)

    def step(carry, _):
        weights, state = carry
        value, grads = jax.value_and_grad(loss)(weights, task)
        updates, state = rule.update(grads, state)
        return (optax.apply_updates(weights, updates), state), value

    (weights, _), losses = jax.lax.scan(step, (params, rule.init(params)), None, steps)
    return weights, losses


def _held_out(height, width):
    """Which SLR pixels `[h, w]` are held out, a NumPy array of bools; never all.

    Of a picture of one block, or of two that stand on each other (8 x 4), none is: then
    nothing says that a step helps.
    """
    rows, columns = np.arange(height) // _BLOCK, np.arange(width) // _BLOCK
    # A knight's move from one to the next: no long row and no long column goes without.
    return (rows[:, None] + 2 * columns[None, :]) % _EACH == 2


def _at(held_out, frames):
    """The mask for frames `[B, T, H, W, C]`, SLR or LR."""
    factor = frames.shape[2] // held_out.shape[0]
    mask = held_out.repeat(factor, axis=0).repeat(factor, axis=1)
    return mask[None, None, :, :, None]
