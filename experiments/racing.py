"""Ways to train against each other, by seconds of training and not by steps.

All take turns of a few seconds in one process, so that what else the machine does
meets them alike. Compiling and scoring are not counted.
"""

import time
from typing import NamedTuple

import jax
import jax.numpy as jnp

from adavsr_jax import meta_step, sharding
from experiments import build, estimators

_TURN_SECONDS = 5.0


class Way(NamedTuple):
    """A way to train: its name, and what it does until which share of the time.

    Attributes:
      name: in tables and plots.
      stages: `((until, phase name, {config field: value}), ...)`, the last until 1.
    """

    name: str
    stages: tuple


class Racer:
    """One way at work from given weights."""

    def __init__(self, way, config, start, mesh, seconds):
        """Compiles its steps.

        Args:
          way, config: what to do, with the settings of which training.
          start: a `trained.Trained`; its training was of `config.run.seed`.
          mesh: see `sharding`.
          seconds: of training, from start to finish.
        """
        self.name, self.steps, self.spent = way.name, 0, 0.0
        self._mesh = mesh
        self._limits = [until * seconds for until, _, _ in way.stages]
        phases = [_phase(config, mesh, *stage[1:]) for stage in way.stages]
        copy = jax.tree.map(jnp.copy, start.params)
        state = meta_step.init(copy, phases[0].optimizer)
        self._state = sharding.replicate(state, mesh)
        # Beyond the clips, crops and blurs that the start was trained with.
        key = jax.random.fold_in(jax.random.key(config.run.seed), 3 + start.step)
        self._key = sharding.replicate(key, mesh)
        self._stages = [(phase.step, phase.batches(start.step)) for phase in phases]
        for step, batches in self._stages:
            spare = jax.tree.map(jnp.copy, self._state)  # a step consumes its state
            jax.block_until_ready(self._after(step, batches, spare))

    @property
    def weights(self):
        """Their moving average, what is evaluated and shipped."""
        return self._state.average

    def turn(self, goal):
        """Trains for a turn, but not beyond `goal` seconds; whether it is there."""
        end = min(self.spent + _TURN_SECONDS, goal)
        while self.spent < end:
            stage = sum(self.spent >= limit for limit in self._limits[:-1])
            began = time.perf_counter()
            state = self._after(*self._stages[stage], self._state)
            self._state = jax.block_until_ready(state)
            self.spent += time.perf_counter() - began
            self.steps += 1
        return self.spent >= goal

    def _after(self, step, batches, state):
        clips = sharding.split(next(batches)["clips"], self._mesh)
        return step(state, sharding.ready(clips, self._mesh), self._key)[0]


def _phase(config, mesh, name, changes):
    config = config.copy_and_resolve_references()
    # Nobody knows how many steps fit, so the rate of learning does not fall with them.
    rate = config.meta.learning_rate  # one for all ways
    for section in (config.large_scale, config.meta):
        section.learning_rate = section.final_learning_rate = rate
    config.large_scale.steps = config.meta.steps = 1
    config.update_from_flattened_dict(changes)
    every = build.phases(config, mesh, estimators.of_training(config))
    (phase,) = [p for p in every if p.name == name]
    return phase


def race(racers, goal):
    """Takes every racer to `goal` seconds of training, in turns."""
    behind = [racer for racer in racers if racer.spent < goal]
    while behind:
        behind = [racer for racer in behind if not racer.turn(goal)]
