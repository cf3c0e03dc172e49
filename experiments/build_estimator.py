"""The config of a kernel estimator becomes objects, a part of `build`."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from adavsr_jax import kernel_estimation, kernels, meta_step, pixels, tasks
from experiments import build, build_data, checks

_AT_LEAST = {
    "data.frames": 3,
    "data.rendered_clips": 0,
    "degradation.noise": 0.0,
    "degradation.compression": 1.0,
    "network.channels": 1,
    "network.features": 1,
    "estimator.steps": 1,
    "estimator.batch": 1,
    "estimator.patch": 32,
    "estimator.final_learning_rate": 0.0,
    "outer.warm_up_steps": 0,
    "run.seed": 0,
    "run.log_every_steps": 1,
    "run.save_every_steps": 1,
    "run.max_bad_steps": 1,
    "run.validation_clips": 1,
}
_ABOVE_ZERO = ("estimator.learning_rate", "outer.clip_norm")
_SHARES = (
    "degradation.mean3_probability",
    "degradation.damage_probability",
)
_BLURS_A_CLIP = 4  # in validation


def check(config):
    """Raises an InputError for the first field that is not right; see `checks`."""
    checks.check_fields(config, _AT_LEAST, _ABOVE_ZERO, _SHARES)
    checks.check_below_one(config, "outer.average_decay")
    checks.check_sources(config.data)
    checks.check_multiple(config, "estimator.patch", 4)


def model(config):
    """The network, from `config.network`."""
    return kernel_estimation.Estimator(config.network.channels, config.network.features)


def initial_state(config):
    """Weights drawn from `config.run.seed`, Adam's state."""
    key = jax.random.fold_in(jax.random.key(config.run.seed), 0)
    params = model(config).init(key, jnp.zeros((2, 8, 8, 3), jnp.float32))["params"]
    return meta_step.init(params, build.optimizer(config, config.estimator))


def phases(config, mesh):
    """The one phase there is."""
    degradation = config.degradation
    damage = functools.partial(
        kernel_estimation.damaged,
        noise=degradation.noise,
        compression=degradation.compression,
        probability=degradation.damage_probability,
    )
    loss = kernel_estimation.loss(model(config), _generator(config), damage)
    summary = f"blurs named, {degradation.kernels} kernels"
    span = (0, config.estimator.steps)
    blur = functools.partial(tasks.of_pretraining, generator=_generator(config))
    stages = [(1.0, loss)]
    return [build.phase(config, mesh, "estimator", span, stages, blur, summary)]


def _generator(config):
    blurs = build.kernel_distribution(config, "degradation")
    mean3 = config.degradation.mean3_probability
    return tasks.Generator(blurs, "matched", mean3, query_size=1)


def validation(config):
    """`(params) -> {"kernel_error": mean of kernels.error}` on undamaged clips.

    Every run with one seed is asked for the same blurs.
    """
    clips, generator = build_data.validation_clips(config), _generator(config)
    network = model(config)
    stream = jax.random.fold_in(jax.random.key(config.run.seed), 2**31)
    keys = jax.random.split(stream, (len(clips), _BLURS_A_CLIP))

    @jax.jit
    def error(params, clip, key):
        drawn = tasks.sample(key, generator)
        lr = pixels.to_uint8(tasks.lowered(clip, drawn))
        found = kernel_estimation.estimate(network, params, lr).kernel
        return kernels.error(found, kernels.from_parameters(drawn.blur))

    def validate(params):
        pairs = zip(clips, keys, strict=True)
        errors = [error(params, clip, key) for clip, row in pairs for key in row]
        return {"kernel_error": float(np.mean(errors))}

    return validate
