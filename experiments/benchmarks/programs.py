"""The JAX programs of the meta-gradient benchmark: ours, textbook, checkpoint."""

import functools
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from adavsr_jax import (
    inner_loop,
    meta_gradient,
    meta_step,
    metrics,
    resampling,
    sharding,
)
from experiments.benchmarks import problem


class Program(NamedTuple):
    """A compiled way to the meta-gradient.

    Attributes:
      name, order, mode, remat: as in the benchmark's rows.
      run: computes it and waits; the gradient as a tree of our parameters' form.
      compile_seconds: lowering included; 0 where nothing is compiled.
      temp_bytes: of the compiler's plan, on one device; None where there is none.
      devices: on how many it runs.
      precision: of convolutions and matrix products, by JAX's name; None for what the
        backend does by itself.
    """

    name: str
    order: str
    mode: str
    remat: str | None
    run: Callable[[], Any]
    compile_seconds: float
    temp_bytes: int | None
    devices: int
    precision: str | None = None


_OURS = {
    ("second", "recompute"): meta_gradient.mixed,
    ("second", "save"): meta_gradient.saved,
    ("first", None): meta_gradient.first_order,
}


def ours(shape, order, remat=None, precision=None, devices=None):
    """The project's inner loop and meta-gradient.

    Tasks are split over `devices`: as many cores as divide them, one accelerator.
    """
    if devices is None:
        on_cpu = jax.default_backend() == "cpu"
        devices = math.gcd(shape.tasks, jax.device_count()) if on_cpu else 1
    mesh = sharding.mesh(jax.devices()[:devices])
    network = problem.network(shape)
    objective = lambda p, pair: _distance(
        network.apply({"params": p}, problem.seen(pair)), pair
    )

    def loss(params, pairs, key, progress):
        del key, progress
        adapted = inner_loop.adapt(
            params,
            pairs[0],
            objective,
            steps=shape.K,
            step_size=problem.ALPHA,
            gradient=_OURS[order, remat],
        )
        return objective(adapted.params, pairs[1]), ({}, ())

    joined = sharding.joined(meta_step.mean_gradient(loss, over_tasks="auto"), mesh)
    keys = sharding.split(np.zeros(shape.tasks), mesh)
    call = lambda params, pairs: joined(params, pairs, keys, jnp.float32(0))[1]
    arguments = (
        sharding.replicate(problem.parameters(shape), mesh),
        sharding.split(problem.frames(shape), mesh),
    )
    mode = "mixed" if order == "second" else "first_order"
    with jax.default_matmul_precision(precision):
        program = _compile("ours", order, mode, remat, call, arguments, devices)
    return program._replace(precision=precision)


def textbook(shape, order, checkpoint=False):
    """What the papers' code does: `vmap`, `lax` convolutions, reverse over reverse.

    With `checkpoint`, every inner step is under `jax.checkpoint`.
    """

    def objective(params, pair):
        return _distance(_by_lax(params, problem.seen(pair)), pair)

    def task_loss(params, pairs):
        def step(params, _):
            grads = jax.grad(objective)(params, pairs[0])
            if order == "first":
                grads = jax.lax.stop_gradient(grads)
            return jax.tree.map(lambda p, g: p - problem.ALPHA * g, params, grads), None

        step = jax.checkpoint(step) if checkpoint else step
        return objective(jax.lax.scan(step, params, length=shape.K)[0], pairs[1])

    def mean_loss(params, pairs):
        return jax.vmap(task_loss, (None, 0))(params, pairs).mean()

    arguments = (problem.parameters(shape), problem.frames(shape))
    arguments = jax.device_put(arguments, jax.devices()[0])
    name, remat = ("checkpoint", "recompute") if checkpoint else ("textbook", "save")
    remat = remat if order == "second" else None
    return _compile(name, order, "reverse", remat, jax.grad(mean_loss), arguments, 1)


def checkpoint(shape, order):
    """See `textbook`."""
    return textbook(shape, order, checkpoint=True)


_distance = functools.partial(metrics.charbonnier, epsilon=problem.EPSILON)


def _by_lax(params, frames):
    """SSR with JAX's own convolution and its derivatives."""

    def convolve(x, layer):
        numbers = ("NHWC", "HWIO", "NHWC")
        y = jax.lax.conv_general_dilated(
            x, layer["kernel"], (1, 1), "SAME", dimension_numbers=numbers
        )
        return y + layer["bias"][None, None, None]

    trunk = params["trunk"]
    layers = [trunk[f"Conv_{n}"] for n in range(len(trunk))]
    before = jnp.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    after = jnp.concatenate([frames[:, 1:], frames[:, -1:]], axis=1)
    window = jnp.concatenate([before, frames, after], axis=-1)[0]
    x = jax.nn.relu(convolve(window, layers[0]))
    for first, second in zip(layers[1:-1:2], layers[2:-1:2], strict=True):
        x = x + convolve(jax.nn.relu(convolve(x, first)), second)
    detail = resampling.depth_to_space(convolve(x, layers[-1]))
    return resampling.upsample(frames) + detail[None]


def _compile(name, order, mode, remat, call, arguments, devices):
    began = time.perf_counter()
    compiled = jax.jit(call).lower(*arguments).compile()
    seconds = time.perf_counter() - began
    analysis = compiled.memory_analysis()
    run = lambda: jax.block_until_ready(compiled(*arguments))
    temp = None if analysis is None else analysis.temp_size_in_bytes
    return Program(name, order, mode, remat, run, seconds, temp, devices)
