"""Algorithm 2, lines 1 to 5: the weights learn one shot from the shot itself."""

import jax

from adavsr_jax import objectives, pixels, step_sizes, tasks


def middle(lr, max_frames):
    """What is learned from of a shot `[M, ...]`: all, or the middle `max_frames`.

    Taken before `learn` is compiled, so that long shots of any length share a program.
    """
    first = max(0, (len(lr) - max_frames) // 2)
    return lr[first : first + max_frames]


def learn(params, lr, kernel, *, model, distance, steps, step_size, temporal, adapt):
    """Adapts to an LR shot by restoring it from its own reduction.

    Rule, rate and loss are the inner loop's of training. Departure: Algorithm 2 steps
    with gamma = 1e-4, a hundredth of the alpha that the weights were meta-trained for
    and close to no step at all; here the two are one number.

    Args:
      params: meta-trained weights, with learned step sizes if they have any.
      lr: `[M, h, w, 3]` uint8, M >= 2 frames of one shot; see `middle`.
      kernel: `[20, 20]`, the shot's blur, known or estimated.
      model, distance, temporal: see `objectives.space_time`.
      steps: n >= 0, static. step_size: alpha, see `inner_loop`.
      adapt: `inner_loop.adapt`, with rule and mask as in training.

    Returns:
      The adapted weights, and the loss `[2]` before the first and after the last step.

    Raises:
      ValueError: fewer than 2 frames, or frames smaller than 4 x 4.
    """
    task = tasks.support(pixels.to_float(lr), kernel)
    loss = objectives.space_time(model, distance, temporal=temporal)
    weights, rates = step_sizes.split(params, step_size)
    adapted = adapt(
        weights,
        task,
        loss,
        steps=steps,
        step_size=rates,
        gradient=jax.value_and_grad,
    ).params
    return adapted, jax.numpy.stack([loss(weights, task), loss(adapted, task)])
