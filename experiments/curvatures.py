"""How much curvature there is at a start of the race of the orders, loss by loss."""

import jax
import numpy as np

from adavsr_jax import curvature, objectives, step_sizes, tasks
from experiments import build, build_data, build_inner, estimators

# Loss, epsilon of charbonnier.
LOSSES = (("l1", None), ("charbonnier", 1e-3), ("charbonnier", 1e-2))
_TASKS = 16


def rows(name, config, params, tell):
    """Rows of `|H u| / |lambda|` by loss, means over tasks of the meta phase.

    Args:
      name: of the start. params: its weights; learned step sizes are left aside.
      config: of the meta phase. Of another rule than descent nothing is measured: its
        steps are no multiples of the gradient.
      tell: prints a line.

    Returns:
      JSON values, a row a loss: `curvature.Curvature`'s fields, see there.
    """
    if config.inner.rule != "descent":
        tell(f"{name}: no curvature, it is of descent: inner.rule={config.inner.rule}")
        return []
    found, (weights, _) = [], step_sizes.split(params, None)
    clips = build_data.validation_clips(config)[:_TASKS]
    keys = jax.random.split(jax.random.key(config.run.seed), len(clips))
    for loss, epsilon in LOSSES:
        of_loss = config.copy_and_resolve_references()
        of_loss.loss.name = loss
        of_loss.loss.epsilon = epsilon or of_loss.loss.epsilon
        measure = jax.jit(_measure(of_loss))
        every = [measure(weights, *task) for task in zip(clips, keys, strict=True)]
        means = jax.tree.map(lambda *leaves: np.mean(leaves, 0).tolist(), *every)
        row = {"start": name, "loss": loss, "epsilon": epsilon}
        found.append(row | means._asdict())
        tell(
            f"{name}: {loss} {epsilon or ''}: gap of the first order {means.gap:.4f}, "
            f"cosine {means.cosine:.5f}"
        )
    return found


def _measure(config):
    objective = objectives.space_time(build.model(config), build.distance(config))
    generator = build.generator(config, estimate=estimators.of_training(config))

    def measure(params, clip, key):
        task = tasks.make(key, clip, generator)
        return curvature.along(
            params,
            task.support,
            objective,
            lambda p: objective(p, task.query),
            steps=config.inner.steps,
            step_size=build_inner.step_size(config),
        )

    return measure
