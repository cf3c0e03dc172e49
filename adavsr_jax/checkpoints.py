"""Training state on disk, by Orbax: saved while training goes on, atomically.

Each step is a folder with the state and a JSON record beside it (where the data
stand, which network it is, the sha256 of form and values). The newest two and the best
one are kept.
"""

import json
import pathlib

import jax
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers

from adavsr_jax import digests

_METRIC = "psnr"
_FORM, _VALUES = "form_sha256", "sha256"


class Damaged(ValueError):
    """The checkpoint `step` cannot be read, or does not hold what was saved."""

    def __init__(self, directory, step, why):
        self.what = f"checkpoint {directory}/{step} is damaged ({why})"
        self.step = step
        super().__init__(
            f"{self.what}: remove that folder to go back to the checkpoint before it"
        )


def set_aside(directory, step):
    """Moves a damaged checkpoint out of the way; returns where it lies now."""
    directory = pathlib.Path(directory)
    folder = directory.with_name(f"{directory.name}.damaged")
    folder.mkdir(exist_ok=True)
    target = folder / str(step)
    while target.exists():
        target = target.with_name(f"{target.name}+")
    (directory / str(step)).rename(target)
    return target


class Checkpoints:
    """The checkpoints of one run, in one folder."""

    def __init__(self, directory):
        """Opens `directory` (absolute), made if missing.

        Raises Damaged if the score of a checkpoint cannot be read.
        """
        _check_scores(pathlib.Path(directory))
        score = lambda metrics: metrics[_METRIC]
        # `max_to_keep` with `best_fn` would delete the newest; a resume needs it.
        kept = checkpoint_managers.AnyPreservationPolicy(
            [
                checkpoint_managers.LatestN(2),
                checkpoint_managers.BestN(get_metric_fn=score, n=1),
            ]
        )
        self._manager = ocp.CheckpointManager(
            directory,
            options=ocp.CheckpointManagerOptions(
                preservation_policy=kept, best_fn=score
            ),
        )

    def save(self, step, state, record, score):
        """Starts saving; returns when the state is copied, not when it is on disk.

        Args:
          step: int, larger than every step saved before.
          state: pytree of arrays. record: JSON values.
          score: validation PSNR in dB, higher is better.

        Raises:
          ValueError: the step is there already.
        """
        record = record | {
            _FORM: digests.of_form(state),
            _VALUES: digests.of_values(state),
        }
        saved = self._manager.save(
            step,
            args=ocp.args.Composite(
                state=ocp.args.StandardSave(state), record=ocp.args.JsonSave(record)
            ),
            metrics={_METRIC: float(score)},
        )
        if not saved:
            raise ValueError(
                f"step {step} was not saved: {self._manager.directory} holds step "
                f"{self.latest()} already"
            )

    def latest(self):
        """The newest step, or None."""
        return self._manager.latest_step()

    def best(self):
        """The step of the highest score, or None."""
        return self._manager.best_step()

    def record(self, step):
        """The JSON values saved with `step`. Raises Damaged if they cannot be read."""
        args = ocp.args.Composite(record=ocp.args.JsonRestore())
        return self._restore(step, args)["record"]

    def restore(self, step, like):
        """The state of `step`.

        Args:
          step: saved before.
          like: pytree of arrays or `jax.ShapeDtypeStruct`s: structure, shapes, dtypes
            and shardings of the result. Without a sharding: on the first device,
            whatever devices the state was saved from.

        Raises:
          Damaged: it cannot be read, or is not what was saved.
          ValueError: the state on disk has another structure or other shapes.
        """
        target = jax.tree.map(_placed, like)
        record = self.record(step)
        if record.get(_FORM) != digests.of_form(target):
            raise ValueError(
                f"{self._manager.directory}/{step} is of another structure: saved by "
                "another version of this program, or of other settings; use those, or "
                "another folder"
            )
        args = ocp.args.Composite(state=ocp.args.StandardRestore(target))
        state = self._restore(step, args)["state"]
        if record.get(_VALUES) != digests.of_values(state):
            raise Damaged(
                self._manager.directory,
                step,
                "its values are not those that were saved",
            )
        return state

    def _restore(self, step, args):
        try:
            return self._manager.restore(step, args=args)
        except Exception as error:  # whatever reading damage may raise, it raises
            first = str(error).strip("'\"").splitlines()[:1]
            why = "".join(first)[:200]
            raise Damaged(self._manager.directory, step, why) from error

    def close(self):
        """Waits until everything is on disk. Raises what saving met (a full disk)."""
        self._manager.wait_until_finished()
        self._manager.close()


def _check_scores(directory):
    """Orbax reads all scores when it opens the folder, and does not say which fails."""
    for path in sorted(directory.glob("*/metrics/metrics")):
        try:
            float(json.loads(path.read_bytes())[_METRIC])
        except (ValueError, LookupError, TypeError) as error:
            step = path.parent.parent.name
            raise Damaged(directory, step, "its score cannot be read") from error


def _placed(leaf):
    form = ocp.utils.to_shape_dtype_struct(leaf)
    if form.sharding is not None:
        return form
    # Else that of the file counts, whose devices may not be here.
    here = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    return jax.ShapeDtypeStruct(form.shape, form.dtype, sharding=here)
