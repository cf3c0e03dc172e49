"""Where one phase of training ends and the next begins, kept with every checkpoint.

A resumed run may have other settings. Its phases may end later; but the step that it
is at must belong to the phase that it was in, counted from the same step: else a phase
is cut short or begun twice, with Adam's state of another.
"""

from experiments import cli


def record(phases):
    """`[[name, first, last], ...]` of `build.Phase`s, JSON values."""
    return [[phase.name, phase.first, phase.last] for phase in phases]


def check(before, phases, step, workdir):
    """Raises InputError unless a run at `step` may go on with `phases`.

    Args:
      before: `record` of the run so far; None, of a version without, lets all pass.
      phases: `build.Phase`s of the run from now on.
      step: outer steps done.
      workdir: as given, for the message.
    """
    was = _of(before or [], step)
    now = _of(record(phases), step)
    if was is None or was[:2] == now[:2] or phases[-1].last <= was[1]:
        return
    # There is one boundary, the end of large-scale training.
    steps = f"{step} or more" if was[0] == "large_scale" else was[1]
    raise cli.InputError(
        f"--workdir={workdir}: step {step} is of the phase {was[0]}, begun at step "
        f"{was[1]}; by this config it would be of {now[0]}, begun at step {now[1]}: "
        f"set config.large_scale.steps={steps}, or choose another folder"
    )


def _of(phases, step):
    """The phase that the first `step` steps ended in, or None before any."""
    begun = [phase for phase in phases if phase[1] < step]
    return begun[-1] if begun else None
