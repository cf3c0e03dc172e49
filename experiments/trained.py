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

from adavsr_jax import checkpoints, internal_learning, pixels, restoration
from experiments import build, checks, cli

_NO_CHECKPOINT = "{} has no checkpoint yet: let experiments.meta_train go on"


@dataclasses.dataclass(frozen=True)
class Trained:
    """Weights with the two things that Algorithm 2 does with them.

    Attributes:
      params: the averaged weights of the best checkpoint by validation.
      step: the outer step they are from. sha256: of `params`.
      config: of the run.
    """

    params: Any
    step: int
    sha256: str
    config: ml_collections.ConfigDict

    def adapt(self, params, lr, kernel, steps):
        """Internal learning on one shot.

        Args:
          params: where to start, `self.params`.
          lr: `[M, h, w, 3]` uint8, M >= 2; of more than `config.internal.max_frames`
            those in the middle are learned from.
          kernel: `[20, 20]`. steps: n >= 0.

        Returns:
          The adapted weights and the loss before and after, two floats.
        """
        lr = internal_learning.middle(lr, self.config.internal.max_frames)
        adapted, losses = self._learn(params, lr, jnp.asarray(kernel), steps=steps)
        before, after = np.asarray(losses)
        return adapted, (float(before), float(after))

    def restore(self, params, lr, kernel):
        """Yields the `2M - 1` frames `[4h, 4w, 3]` uint8 of one shot.

        `kernel [20, 20]` is told to networks that are conditioned.
        """
        frames, _ = build.model(self.config).radius
        network = functools.partial(self._network, params, jnp.asarray(kernel))
        return restoration.restore(network, lr, radius=frames)

    @functools.cached_property
    def _learn(self):
        return jax.jit(build.learner(self.config), static_argnames="steps")

    @functools.cached_property
    def _network(self):
        model = build.model(self.config)

        def network(params, kernel, lr):
            _, hr = model.apply({"params": params}, pixels.to_float(lr)[None], kernel)
            return pixels.to_uint8(hr[0])

        return jax.jit(network)


def load(directory):
    """Loads a work directory of `meta_train`.

    Raises:
      InputError: there is none, it holds no checkpoint, or not of its own config.
      ValueError: the checkpoint is damaged.
    """
    workdir = pathlib.Path(directory).resolve()
    config = _read_config(directory, workdir / "config.json")
    if not (workdir / "checkpoints").is_dir():  # opening it would make it
        raise cli.InputError(_NO_CHECKPOINT.format(directory))
    with contextlib.closing(checkpoints.Checkpoints(workdir / "checkpoints")) as saved:
        step = saved.best()
        if step is None:
            raise cli.InputError(_NO_CHECKPOINT.format(directory))
        state = restore(saved, step, config, build.initial_state(config))
    return Trained(state.average, step, digest(state.average), config)


def _read_config(directory, path):
    if not path.is_file():
        raise cli.InputError(
            f"no trained weights in {directory}: {path.name} is missing; give "
            "the --workdir of a run of experiments.meta_train"
        )
    try:
        config = ml_collections.ConfigDict(json.loads(path.read_text()))
        checks.check(config)
    except (ValueError, TypeError) as error:
        raise cli.InputError(
            f"{path} is not the config of a run of this version ({error}): copy the "
            "run again or train again"
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
