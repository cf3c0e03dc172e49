"""What a run of `meta_train` left behind, ready to adapt and to restore."""

import contextlib
import dataclasses
import functools
import json
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections

from adavsr_jax import (
    checkpoints,
    consistency,
    digests,
    internal_learning,
    passes,
    pixels,
    restoration,
)
from experiments import build, checks, cli

_MEMORY = 4 * 2**30  # bytes of a pass, where nobody says
# HR frames are sixteen times as large as those that windows are meant for.
_SSR_FIRST_WINDOW = 4
# Bytes at the peak, a pixel of the input and a frame of the output, as the compiler for
# CPUs plans them: so many for a channel of TSR; of SSR, and more; back-projected.
_TSR_BYTES, _SSR_BYTES, _BACK_PROJECTED_BYTES = 24, (12, 150), 600


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
          lr: `[M, h, w, 3]` uint8 or uint16, M >= 2; `internal_learning.sample` says
            what of it is learned from, at most `config.internal.max_frames`.
          kernel: `[20, 20]`. steps: n >= 0, at most so many.

        Returns:
          An `internal_learning.Learned`.
        """
        lr = internal_learning.sample(lr, self.config.internal.max_frames)
        return self._learn(params, lr, jnp.asarray(kernel), steps=steps)

    def scratch(self, lr, kernel, steps):
        """Weights that have seen nothing but this shot; arguments as `adapt`."""
        lr = internal_learning.sample(lr, self.config.internal.max_frames)
        fresh = build.initial_state(self.config).params
        return self._from_scratch(fresh, lr, jnp.asarray(kernel), steps=steps)

    def plan(self, height, width, memory=_MEMORY, *, back_projections=0, code=1):
        """`(passes.Plan, bytes)` for input frames of a size.

        Args:
          height, width: of the input.
          memory: bytes that a pass may take.
          back_projections: as of `restore`.
          code: bytes of a code of the result.

        Raises:
          ValueError: not even the smallest pass fits.
        """
        network = self.config.network
        base, more = _SSR_BYTES
        ssr = max(
            base * network.ssr_channels + more,
            _BACK_PROJECTED_BYTES * bool(back_projections),
        )
        cost = passes.Cost(
            work=(2 * self._sizes["tsr"], self._sizes["ssr"]),  # slices both ways
            memory=(_TSR_BYTES * network.tsr_channels, ssr),
            code=code,
            reach=build.model(self.config).ssr.radius[0],
        )
        radius = self._radius(back_projections)
        return passes.choose(height, width, radius=radius, cost=cost, memory=memory)

    def restore(self, params, lr, kernel, *, back_projections=0, plan=None, first=0):
        """Yields the `2M - 1` frames `[4h, 4w, 3]` of one shot, codes as `lr`'s.

        Args:
          params: adapted or not.
          lr: the shot's frames `[h, w, 3]`, uint8 or uint16; taken as they are needed
            if there is a plan, else an array.
          kernel: `[20, 20]`, told to networks that are conditioned, and what given
            frames are made consistent with.
          back_projections: how often, see `consistency`.
          plan: a `passes.Plan`, see `self.plan`; by default for 4 GiB.
          first: input frames that are restored already, see `restoration.restore`.
        """
        if plan is None:
            plan, _ = self.plan(*lr.shape[1:3], back_projections=back_projections)
        kernel = jnp.asarray(kernel)
        network = functools.partial(self._network, params, kernel, back_projections)
        radius = self._radius(back_projections)
        return restoration.restore(network, lr, radius=radius, plan=plan, first=first)

    def restore_ssr_first(self, params, lr, kernel):
        """As `restore`, the networks in the other order: S_phi, then F_theta."""
        network = functools.partial(self._ssr_first, params, jnp.asarray(kernel))
        plan = passes.Plan(_SSR_FIRST_WINDOW, *lr.shape[1:3])
        return restoration.restore(network, lr, radius=self._radius(0), plan=plan)

    def _radius(self, back_projections):
        frames, reach = build.model(self.config).radius
        return frames, reach + consistency.radius(back_projections)

    @functools.cached_property
    def _sizes(self):
        """Parameters of each network."""
        shapes = build.parameter_shapes(self.config)
        return {
            name: sum(leaf.size for leaf in jax.tree.leaves(shapes[name]))
            for name in ("tsr", "ssr")
        }

    @functools.cached_property
    def _learn(self):
        return jax.jit(build.learner(self.config), static_argnames="steps")

    @functools.cached_property
    def _from_scratch(self):
        return jax.jit(build.scratch_learner(self.config), static_argnames="steps")

    @functools.cached_property
    def _network(self):
        model = build.model(self.config)

        def network(params, kernel, back_projections, lr, count, first, length):
            frames = pixels.to_float(lr)
            window = {"count": count, "first": first, "length": length}
            apply = functools.partial(model.apply, {"params": params}, method="window")
            hr = apply(frames[None], kernel, **window)[0]
            if back_projections:
                given = jax.lax.dynamic_slice_in_dim(frames, first, length)
                nearer = consistency.back_project(
                    hr[::2], given, kernel, back_projections
                )
                hr = hr.at[::2].set(nearer)
            return pixels.to_codes(hr, lr.dtype)

        return jax.jit(network, static_argnums=(2, 6))

    @functools.cached_property
    def _ssr_first(self):
        model = build.model(self.config)

        def network(params, kernel, lr, count, first, length):
            ssr, tsr = ({"params": params[name]} for name in ("ssr", "tsr"))
            sharp = model.ssr.apply(ssr, pixels.to_float(lr)[None], kernel)
            hr = model.tsr.apply(tsr, sharp, count)[0]
            return pixels.to_codes(restoration.cut(hr, first, length), lr.dtype)

        return jax.jit(network, static_argnums=5)


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


digest = digests.of_values  # of weights
