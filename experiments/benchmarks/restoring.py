"""What a clip costs from its frames to the result, stage by stage."""

import collections
import functools
from typing import NamedTuple

import jax
import numpy as np

from adavsr_jax import kernels, rendering
from experiments import build, rows
from experiments.benchmarks import counting, measuring

STEPS = 5


class Shape(NamedTuple):
    """An LR clip: `frames` of `height` x `width`."""

    frames: int
    height: int
    width: int


DESIGN = Shape(30, 120, 180)
GPU = Shape(30, 144, 180)


def measure(shape, weights, estimator, tell):
    """Rows of `estimate`, `adapt` by `STEPS` steps, `restore`, and all together.

    Args:
      shape: a `Shape`.
      weights: a `trained.Trained`.
      estimator: an `estimators.Estimator`.
      tell: takes lines on progress.
    """
    key = jax.random.key(0)
    lr = np.asarray(rendering.clip(key, **shape._asdict()))
    kernel = np.asarray(kernels.gaussian(2.0, 2.0, 0.0))
    adapt = lambda params: weights.adapt(params, lr, kernel, STEPS).params
    stages = {
        "estimate": lambda: estimator.estimate(lr),
        "adapt": lambda: jax.block_until_ready(adapt(weights.params)),
        "restore": lambda: _drain(
            weights.restore(
                weights.params, lr, kernel, back_projections=rows.BACK_PROJECTIONS
            )
        ),
    }
    model = build.model(weights.config)
    network = lambda params: model.apply({"params": params}, lr[None] / 255, kernel)[1]
    work = {
        "estimate": None,  # a thousandth of the rest
        "adapt": counting.operations(adapt, weights.params),
        "restore": counting.operations(network, weights.params),
    }
    for name, run in stages.items():
        tell(f"compiles {name}")
        run()
    devices = jax.device_count()
    rate_run, rate_work = measuring.machine_rate(devices)
    rate_run()
    seconds = measuring.interleaved([*stages.values(), rate_run], tell=tell)
    rate = rate_work / np.median(seconds[:, -1])
    row = functools.partial(_row, shape, rate)
    found = [row(n, work[n], seconds[:, i]) for i, n in enumerate(stages)]
    total = work["adapt"] + work["restore"]
    found.append(row("all", total, seconds[:, :-1].sum(axis=1)))
    size = sum(leaf.size for leaf in jax.tree.leaves(weights.params))
    return [{**each, "parameters": size, "sha256": weights.sha256} for each in found]


def told(rows):
    """A line a stage."""
    for row in rows:
        line = f"{row['stage']}: {row['seconds_per_frame']:.4f} s a frame"
        if row["flops"]:
            line += (
                f", {row['flops'] / 1e9:.0f} GFLOP of convolutions, "
                f"{1 / row['rate_share']:.2f} times what they take at "
                f"{row['rate'] / 1e9:.0f} GFLOP/s"
            )
        yield line


def _drain(frames):
    collections.deque(frames, maxlen=0)


def _row(shape, rate, stage, work, seconds):
    median = float(np.median(seconds))
    return {
        "stage": stage,
        **shape._asdict(),
        "steps": STEPS,
        "seconds": median,
        "seconds_per_frame": median / (2 * shape.frames - 1),
        "flops": work,
        "rate": rate,
        "rate_share": work and work / median / rate,
        "device": f"{jax.device_count()} x {jax.devices()[0].device_kind}",
    }
