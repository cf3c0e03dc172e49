"""What to say of steps that are not finite any more: which loss, task and blur."""

import jax
import numpy as np

from adavsr_jax import kernels, sharding
from experiments import estimators


def told(phase, state, clips, key) -> str:
    """One line on the last step, which was left out: the weights are those before it.

    Args:
      phase: a `build.Phase`.
      state: a `meta_step.MetaState` after that step.
      clips: of this process, its part of the batch.
      key: of the run, as the step had it.
    """
    total, in_a_row = map(int, state.bad)
    step = int(state.step)
    line = f"step {step}: {in_a_row} steps in a row were not finite and were left out"
    if total > in_a_row:
        line += f" ({total} in all)"
    found = _first_bad(phase, state, clips, key)
    why = "no loss of a task of this process is, its gradient or another's may be"
    if found:
        task, what, blur = found
        why = f"{what} of task {task} is not, its blur is {blur}"
    return (
        f"{line}; {why}. A smaller inner step size or learning rate may help; the same "
        "command goes on from the last checkpoint"
    )


def _first_bad(phase, state, clips, key):
    """`(task, words on its loss, words on its blur)`, or None if all are finite."""
    params, key = sharding.local(state.params), sharding.local(key)
    step = int(state.step) - 1
    progress = (step - phase.first) / (phase.last - phase.first)
    loss = next(loss for until, loss in phase.losses if progress < until)
    value = jax.jit(loss)
    first = len(clips) * jax.process_index()
    keys = sharding.task_keys(key, step, len(clips) * jax.process_count())
    for task, clip in enumerate(clips, start=first):
        found, (_, inner) = value(params, clip, keys[task], progress)
        bad = [k for k, each in enumerate(np.ravel(inner)) if not np.isfinite(each)]
        if not bad and np.isfinite(found):
            continue
        what = f"the inner loss at inner step {bad[0]}" if bad else "the loss"
        kernel = kernels.from_parameters(phase.blur(keys[task]).blur)
        return task, what, estimators.describe(np.asarray(kernel))
    return None
