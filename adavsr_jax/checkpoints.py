"""Training state on disk, by Orbax: saved while training goes on, atomically.

Each step is a folder with the state and a JSON record beside it (where the data
stand, which network it is). The newest two and the best one are kept.
"""

import jax
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers

_METRIC = "psnr"


class Checkpoints:
    """The checkpoints of one run, in one folder."""

    def __init__(self, directory):
        """Opens `directory` (absolute), made if missing."""
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
        """The JSON values saved with `step`. Raises ValueError if they are damaged."""
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
          ValueError: the state on disk has another structure or other shapes, or is
            damaged.
        """
        target = jax.tree.map(_placed, like)
        args = ocp.args.Composite(state=ocp.args.StandardRestore(target))
        return self._restore(step, args)["state"]

    def _restore(self, step, args):
        try:
            return self._manager.restore(step, args=args)
        except (KeyError, ValueError, TypeError, OSError) as error:
            first = str(error).strip("'\"").splitlines()[:1]
            raise ValueError(
                f"{self._manager.directory}/{step} cannot be restored, it is damaged "
                f"or of another structure ({''.join(first)[:200]}): remove the folder "
                "to go back to the checkpoint before it"
            ) from error

    def close(self):
        """Waits until everything is on disk. Raises what saving met (a full disk)."""
        self._manager.wait_until_finished()
        self._manager.close()


def _placed(leaf):
    form = ocp.utils.to_shape_dtype_struct(leaf)
    if form.sharding is not None:
        return form
    # Else that of the file counts, whose devices may not be here.
    here = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    return jax.ShapeDtypeStruct(form.shape, form.dtype, sharding=here)
