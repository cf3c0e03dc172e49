"""The one place where a config becomes objects; its errors name `config.` fields."""

import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from adavsr_jax import (
    data,
    internal_learning,
    kernels,
    meta_step,
    metrics,
    rendering,
    sharding,
    step_sizes,
    tasks,
)
from adavsr_jax.networks import space_time, ssr, tsr
from experiments import build_inner, checks, cli

_KERNELS = {
    "uniform": kernels.uniform(),
    "mzsr": kernels.mzsr(),
    "dynavsr": kernels.dynavsr(),
    "bicubic": kernels.only_bicubic(),
}


class Phase(NamedTuple):
    """A stretch of training with one loss.

    Attributes:
      name: `large_scale` or `meta`.
      first, last: outer steps `first .. last - 1` belong to it.
      summary: one line for the log.
      optimizer: the outer rule; its state starts afresh with the phase.
      step: `(state, clips, key) -> (state, metrics, traces)`, jitted over the mesh.
      batches: `start -> iterator` of host batches, start counted within the phase.
    """

    name: str
    first: int
    last: int
    summary: str
    optimizer: optax.GradientTransformation
    step: Callable
    batches: Callable[[int], Iterator]


def model(config):
    """The networks, from `config.network`."""
    network = config.network
    return space_time.SpaceTime(
        tsr.TSR(network.tsr_channels, network.tsr_blocks),
        ssr.SSR(network.ssr_channels, network.ssr_blocks, network.conditioned),
    )


def distance(config):
    """The reconstruction loss `L`, from `config.loss`."""
    charbonnier = functools.partial(metrics.charbonnier, epsilon=config.loss.epsilon)
    known = {"l1": metrics.l1, "charbonnier": charbonnier}
    return checks.known(known, config.loss.name, "config.loss.name")


def parameter_shapes(config):
    """The networks' parameters, shapes alone."""
    frames = jax.ShapeDtypeStruct((1, 2, 8, 8, 3), jnp.float32)
    kernel = kernels.bicubic()
    init = model(config).init
    return jax.eval_shape(init, jax.random.key(0), frames, kernel)["params"]


def learner(config):
    """Algorithm 2 on one shot: `(params, lr, kernel, *, steps)`, not yet jitted."""
    return functools.partial(
        internal_learning.learn,
        model=model(config),
        distance=distance(config),
        step_size=build_inner.step_size(config),
        temporal=config.internal.temporal,
        adapt=build_inner.adapt(config, parameter_shapes(config)),
    )


def generator(config, section="degradation"):
    """A task generator over the kernels of `config.SECTION`."""
    degradation = config.degradation
    return tasks.Generator(
        kernels=checks.known(
            _KERNELS, config[section].kernels, f"config.{section}.kernels"
        ),
        relation=degradation.relation,
        mean3_probability=degradation.mean3_probability,
        query_size=config.meta.query_size,
    )


def initial_state(config):
    """Weights drawn from `config.run.seed`, Adam's state for the first phase."""
    key = jax.random.fold_in(jax.random.key(config.run.seed), 0)
    extend = lambda params: params
    if config.inner.learn_step_sizes:
        extend = lambda params: step_sizes.learned(
            params, build_inner.step_size(config), config.inner.steps
        )
    optimizer = _optimizer(config, config.large_scale)
    return meta_step.init(key, model(config), optimizer, extend=extend)


def _optimizer(config, phase):
    schedule = optax.cosine_decay_schedule(
        phase.learning_rate,
        max(phase.steps, 1),
        alpha=phase.final_learning_rate / phase.learning_rate,
    )
    return optax.chain(
        optax.clip_by_global_norm(config.outer.clip_norm), optax.adam(schedule)
    )


def phases(config, mesh):
    """The phases of Algorithm 1 in order, those of no steps left out."""
    network, loss = model(config), distance(config)
    large = meta_step.large_scale_loss(
        network, loss, generator(config, "large_scale"), config.large_scale.modules
    )
    boundary = config.large_scale.steps
    both = [
        _phase(
            config,
            mesh,
            "large_scale",
            (0, boundary),
            [(1.0, large)],
            f"large-scale training, {config.large_scale.kernels} kernels",
        ),
        _phase(
            config,
            mesh,
            "meta",
            (boundary, boundary + config.meta.steps),
            build_inner.meta_stages(
                config,
                network,
                loss,
                generator(config),
                parameter_shapes(config),
                devices=mesh.size,
            ),
            build_inner.summary(config),
        ),
    ]
    return [phase for phase in both if phase.last > phase.first]


def _phase(config, mesh, name, span, stages, summary):
    settings = config[name]
    if settings.batch % mesh.size:
        fits = -(-settings.batch // mesh.size) * mesh.size
        raise cli.InputError(
            f"config.{name}.batch ({settings.batch}) must be a multiple of the number "
            f"of devices ({mesh.size}), as {fits}"
        )
    over_tasks = config.outer.over_tasks
    mean_gradient = meta_step.staged(
        [
            (until, meta_step.mean_gradient(loss, over_tasks=over_tasks))
            for until, loss in stages
        ]
    )
    optimizer = _optimizer(config, settings)
    step = sharding.outer_step(
        mean_gradient,
        optimizer,
        mesh,
        average_decay=config.outer.average_decay,
        span=span,
    )
    batches = functools.partial(_batches, config, settings, seed_offset=span[0])
    return Phase(name, *span, summary, optimizer, step, batches)


def _batches(config, settings, start, *, seed_offset):
    return data.batches(
        sources(config),
        list(config.data.weights),
        batch_size=settings.batch // jax.process_count(),
        patch=settings.patch,
        frames=config.data.frames,
        # Another phase, another order; the first step of a phase is its name.
        seed=config.run.seed + seed_offset,
        start=start,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
    )


def sources(config):
    """Training clips, from shards or rendered."""
    if config.data.rendered_clips:
        return [_rendered(config, config.data.rendered_clips, stream=1)]
    return [_shards(config, entry) for entry in config.data.train]


def check_data(config):
    """Opens all shards that the config reads and looks for room for its crops.

    Raises:
      ValueError: what is missing, damaged or too small for the crops.
    """
    if config.data.rendered_clips:
        return  # they are made to measure
    for source in sources(config):
        for phase in (config.large_scale, config.meta):
            if phase.steps:
                data.check_room(source, patch=phase.patch, frames=config.data.frames)
    data.check_room(
        _shards(config, config.data.validation),
        patch=config.meta.patch,
        frames=config.data.frames,
    )


def validation_clips(config):
    """`config.run.validation_clips` centre crops of the size of the meta phase's."""
    if config.data.rendered_clips:
        source = _rendered(config, config.run.validation_clips, stream=2)
    else:
        source = _shards(config, config.data.validation)
    return data.centre_crops(
        source,
        count=config.run.validation_clips,
        patch=config.meta.patch,
        frames=config.data.frames,
    )


def _shards(config, entry):
    folder, _, split = entry.partition(":")
    if not split:
        raise cli.InputError(
            f"config.data: {entry!r} must read FOLDER:SPLIT, the folder inside "
            f"config.data.root ({config.data.root}), '.' for the root itself"
        )
    return data.shards(f"{config.data.root}/{folder}".removesuffix("/."), split)


def _rendered(config, count, *, stream):
    side = max(config.large_scale.patch, config.meta.patch)
    clips = _draw(config.run.seed, stream, count, config.data.frames, side)
    return data.in_memory(clips)


@functools.cache  # both phases train on the same clips
def _draw(seed, stream, count, frames, side):
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), stream), count)
    draw = functools.partial(rendering.clip, frames=frames, height=side, width=side)
    return [np.asarray(draw(key)) for key in keys]
