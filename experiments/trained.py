"""What a run of `meta_train` left behind, ready to adapt and to restore."""

import contextlib
import dataclasses
import functools
import hashlib
import json
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from adavsr_jax import (
    checkpoints,
    consistency,
    internal_learning,
    pixels,
    restoration,
)
from experiments import build, checks, cli

# LR pixels that a pass over a window adds, and the fewest frames: windows overlap by
# the network's reach in time, and short ones would mostly repeat each other.
_AT_ONCE = 2**20
_SHORTEST_WINDOW = 16
# HR frames are sixteen times as large as those that windows are meant for.
_SSR_FIRST_WINDOW = 4


@dataclasses.dataclass(frozen=True)
class Trained:
    """Weights with the two things that Algorithm 2 does with them.

    Attributes:
      params: the averaged weights of the best checkpoint by validation.
      step: the outer step they are from. sha256: of `params`.
      config: of the run. seconds: that its training took, as logged, or None.
    """

    params: Any
    step: int
    sha256: str
    config: ml_collections.ConfigDict
    seconds: int | None = None

    def adapt(self, params, lr, kernel, steps):
        """Internal learning on one shot.

        Args:
          params: where to start, `self.params`.
          lr: `[M, h, w, 3]` uint8, M >= 2; of more than `config.internal.max_frames`
            those in the middle are learned from.
          kernel: `[20, 20]`. steps: n >= 0, at most so many.

        Returns:
          An `internal_learning.Learned`.
        """
        lr = internal_learning.middle(lr, self.config.internal.max_frames)
        return self._learn(params, lr, jnp.asarray(kernel), steps=steps)

    def scratch(self, lr, kernel, steps):
        """Weights that have seen nothing but this shot; arguments as `adapt`."""
        lr = internal_learning.middle(lr, self.config.internal.max_frames)
        fresh = build.initial_state(self.config).params
        return self._from_scratch(fresh, lr, jnp.asarray(kernel), steps=steps)

    def restore(self, params, lr, kernel, *, back_projections=0):
        """Yields the `2M - 1` frames `[4h, 4w, 3]` uint8 of one shot.

        Args:
          params: adapted or not.
          lr: `[M, h, w, 3]` uint8, M >= 1.
          kernel: `[20, 20]`, told to networks that are conditioned, and what given
            frames are made consistent with.
          back_projections: how often, see `consistency`.
        """
        frames, _ = build.model(self.config).radius
        network = functools.partial(
            self._network, params, jnp.asarray(kernel), back_projections
        )
        window = max(_SHORTEST_WINDOW, _AT_ONCE // (lr.shape[1] * lr.shape[2]))
        return restoration.restore(network, lr, radius=frames, window=window)

    def restore_ssr_first(self, params, lr, kernel):
        """As `restore`, the networks in the other order: S_phi, then F_theta."""
        frames, _ = build.model(self.config).radius
        network = functools.partial(self._ssr_first, params, jnp.asarray(kernel))
        window = _SSR_FIRST_WINDOW
        return restoration.restore(network, lr, radius=frames, window=window)

    @functools.cached_property
    def _learn(self):
        return jax.jit(build.learner(self.config), static_argnames="steps")

    @functools.cached_property
    def _from_scratch(self):
        return jax.jit(build.scratch_learner(self.config), static_argnames="steps")

    @functools.cached_property
    def _network(self):
        model = build.model(self.config)

        def network(params, kernel, back_projections, lr):
            given = pixels.to_float(lr)
            _, hr = model.apply({"params": params}, given[None], kernel)
            if back_projections:
                nearer = consistency.back_project(
                    hr[0, ::2], given, kernel, back_projections
                )
                hr = hr.at[0, ::2].set(nearer)
            return pixels.to_uint8(hr[0])

        return jax.jit(network, static_argnums=2)

    @functools.cached_property
    def _ssr_first(self):
        model = build.model(self.config)

        def network(params, kernel, lr):
            ssr, tsr = ({"params": params[name]} for name in ("ssr", "tsr"))
            sharp = model.ssr.apply(ssr, pixels.to_float(lr)[None], kernel)
            return pixels.to_uint8(model.tsr.apply(tsr, sharp)[0])

        return jax.jit(network)


def load(directory):
    """Loads a work directory of `meta_train`.

    Raises:
      InputError: there is none, it holds no checkpoint, or not of its own config.
      ValueError: the checkpoint is damaged.
    """
    config, step, params = read_run(directory, checks.check, build.initial_state)
    seconds = _seconds(pathlib.Path(directory) / "metrics.jsonl")
    return Trained(params, step, digest(params), config, seconds)


def _seconds(path):
    """What the steps of a run took by its own log; None if there is none to read."""
    total, before = 0.0, 0
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            total += entry.get("seconds_per_step", 0) * (entry["step"] - before)
            before = entry["step"]
    except (OSError, ValueError, LookupError):
        return None
    return round(total)


def read_run(directory, check, initial_state, command="meta_train"):
    """What a run left: `(config, step, averaged weights)` of its best checkpoint.

    Args:
      directory: its `--workdir`.
      check: raises an InputError if a config is not one of the command's.
      initial_state: gives the state of a config, for its form.
      command: what made the run, for messages.

    Raises as `load`.
    """
    workdir = pathlib.Path(directory).resolve()
    config = _read_config(directory, workdir / "config.json", check, command)
    nothing = f"{directory} has no checkpoint yet: let experiments.{command} go on"
    if not (workdir / "checkpoints").is_dir():  # opening it would make it
        raise cli.InputError(nothing)
    with contextlib.closing(checkpoints.Checkpoints(workdir / "checkpoints")) as saved:
        step = saved.best()
        if step is None:
            raise cli.InputError(nothing)
        form = jax.eval_shape(lambda: initial_state(config))
        state = restore(saved, step, config, form)
    return config, step, state.average


def _read_config(directory, path, check, command):
    if not path.is_file():
        raise cli.InputError(
            f"no trained weights in {directory}: {path.name} is missing; give "
            f"the --workdir of a run of experiments.{command}"
        )
    try:
        config = ml_collections.ConfigDict(json.loads(path.read_text()))
        check(config)
    except (ValueError, TypeError) as error:
        raise cli.InputError(
            f"{path} is not the config of a run of experiments.{command} of this "
            f"version ({error}): copy the run again or train again"
        ) from error
    return config


def restore(saved, step, config, like):
    """The state of `step`, if it is one of the networks that the config asks for.

    Raises:
      InputError: the checkpoint is of another model.
    """
    found, wanted = saved.record(step)["network"], config.network.to_dict()
    if found != wanted:
        raise cli.InputError(
            f"the checkpoint of step {step} is of another model: its network is "
            f"{found}, the config's is {wanted}; use another --workdir or the same "
            "--config.network"
        )
    return saved.restore(step, like)


def digest(params):
    """sha256 of the weights: names and little-endian bytes, in the tree's order."""
    sha = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        sha.update(jax.tree_util.keystr(path).encode())
        sha.update(np.ascontiguousarray(np.asarray(leaf)).tobytes())
    return sha.hexdigest()
