"""The one place where a config becomes objects; its errors name `config.` fields."""

import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from adavsr_jax import (
    internal_learning,
    kernels,
    meta_step,
    metrics,
    sharding,
    step_sizes,
    tasks,
)
from adavsr_jax.networks import space_time, ssr, tsr
from experiments import build_data, build_inner, checks, cli

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
      losses: `[(until, loss), ...]` of one task, see `phase`.
      blur: the key of a task to its `tasks.Degradation`.
      batches: `start -> iterator` of host batches, start counted within the phase.
    """

    name: str
    first: int
    last: int
    summary: str
    optimizer: optax.GradientTransformation
    step: Callable
    losses: list[tuple[float, Callable]]
    blur: Callable
    batches: Callable[[int], Iterator]


def model(config, dtype=None):
    """The networks, from `config.network`; dtype as of `blocks.Trunk`."""
    network = config.network
    return space_time.SpaceTime(
        tsr.TSR(network.tsr_channels, network.tsr_blocks, dtype),
        ssr.SSR(
            network.ssr_channels,
            network.ssr_blocks,
            network.conditioned,
            network.ssr_design,
            network.ssr_context,
            dtype,
        ),
    )


def distance(config):
    """The reconstruction loss `L`, from `config.loss`."""
    charbonnier = functools.partial(metrics.charbonnier, epsilon=config.loss.epsilon)
    known = {"l1": metrics.l1, "charbonnier": charbonnier}
    return checks.known(known, config.loss.name, "config.loss.name")


def parameter_shapes(config):
    """The networks' parameters, shapes alone."""
    draw = functools.partial(_draw_weights, model(config))
    return jax.eval_shape(draw, jax.random.key(0))


def _draw_weights(network, key):
    frames = jnp.zeros((1, 2, 8, 8, 3), jnp.float32)
    return network.init(key, frames, kernels.bicubic())["params"]


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


def scratch_learner(config):
    """Internal learning from drawn weights, as `learner`; Adam, as in training."""
    return functools.partial(
        internal_learning.from_scratch,
        model=model(config),
        distance=distance(config),
        temporal=config.internal.temporal,
        learning_rate=config.large_scale.learning_rate,
        final_learning_rate=config.large_scale.final_learning_rate,
    )


def kernel_distribution(config, section):
    """What blurs `config.SECTION.kernels` names."""
    return checks.known(_KERNELS, config[section].kernels, f"config.{section}.kernels")


def generator(config, section="degradation", estimate=None):
    """A task generator over the kernels of `config.SECTION`; see `tasks.Generator`."""
    degradation = config.degradation
    return tasks.Generator(
        kernels=kernel_distribution(config, section),
        relation=degradation.relation,
        mean3_probability=degradation.mean3_probability,
        query_size=config.meta.query_size,
        estimate=estimate,
    )


def initial_state(config):
    """Weights drawn from `config.run.seed`, Adam's state for the first phase."""
    key = jax.random.fold_in(jax.random.key(config.run.seed), 0)
    return first_state(config, _draw_weights(model(config), key))


def first_state(config, weights):
    """Given weights, inner rates if they are to be learned, Adam's state."""
    if config.inner.learn_step_sizes:
        weights = step_sizes.learned(
            weights, build_inner.step_size(config), config.inner.steps
        )
    return meta_step.init(weights, optimizer(config, config.large_scale))


def optimizer(config, phase):
    """The outer rule of a phase, whose section of the config is `phase`."""
    warm_up = min(config.outer.warm_up_steps, phase.steps // 2)
    schedule = optax.warmup_cosine_decay_schedule(
        0.0 if warm_up else phase.learning_rate,
        phase.learning_rate,
        warm_up,
        max(phase.steps, 1),
        end_value=phase.final_learning_rate,
    )
    return optax.chain(
        optax.clip_by_global_norm(config.outer.clip_norm), optax.adam(schedule)
    )


def phases(config, mesh, estimate=None):
    """The phases of Algorithm 1 in order, those of no steps left out.

    `estimate` as of `generator`, see `estimators.of_training`.
    """
    network, loss = model(config), distance(config)
    tasks_of = functools.partial(generator, config, estimate=estimate)
    boundary = config.large_scale.steps
    both = [
        phase(
            config,
            mesh,
            "large_scale",
            (0, boundary),
            _large_scale_stages(config, loss, tasks_of("large_scale")),
            functools.partial(tasks.of_pretraining, generator=tasks_of("large_scale")),
            f"large-scale training, {config.large_scale.kernels} kernels",
        ),
        phase(
            config,
            mesh,
            "meta",
            (boundary, boundary + config.meta.steps),
            build_inner.meta_stages(
                config,
                network,
                loss,
                tasks_of(),
                parameter_shapes(config),
                devices=mesh.size,
            ),
            functools.partial(tasks.of_task, generator=tasks_of()),
            build_inner.summary(config),
        ),
    ]
    return [part for part in both if part.last > part.first]


def _large_scale_stages(config, loss, drawn):
    """`[(until, loss), ...]` by progress, see `meta_step.staged`."""
    large = config.large_scale
    network = model(config, jnp.bfloat16 if large.bfloat16 else None)
    apart = meta_step.large_scale_loss(network, loss, drawn, large.modules)
    joint = meta_step.joint_loss(network, loss, drawn)
    if large.joint_from in (0, 1):
        return [(1.0, apart if large.joint_from else joint)]
    return [(large.joint_from, apart), (1.0, joint)]


def phase(config, mesh, name, span, stages, blur, summary):
    """A `Phase` with the settings of `config.NAME`.

    Args:
      config: with the sections NAME, `data`, `outer` and `run`.
      mesh: see `sharding`.
      name, span, summary: see `Phase`; span is (first, last).
      stages: `[(until, loss), ...]`, losses as `meta_step.mean_gradient` takes, each
        for progress below its `until`.
      blur: see `Phase`.

    Raises:
      InputError: the devices do not divide the batch of a phase that has steps.
    """
    settings = config[name]
    if settings.steps and settings.batch % mesh.size:
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
    rule = optimizer(config, settings)
    step = sharding.outer_step(
        mean_gradient,
        rule,
        mesh,
        average_decay=config.outer.average_decay,
        span=span,
    )
    batches = functools.partial(
        build_data.batches, config, settings, seed_offset=span[0]
    )
    return Phase(name, *span, summary, rule, step, stages, blur, batches)
