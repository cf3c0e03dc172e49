"""Validation while training: PSNR of whole small clips, before and after adaptation."""

import jax
import jax.numpy as jnp
import numpy as np

from adavsr_jax import (
    degradation,
    internal_learning,
    kernels,
    metrics,
    pixels,
    resampling,
    tasks,
)
from experiments import build, build_data, estimators


def build_validation(config):
    """`(params) -> {name: dB}` on the validation clips, each with a kernel of its own.

    The kernels are draws from the training distribution that every run with the same
    seed repeats; frames are dropped, LR is 8 bits. The kernel is known, or estimated
    where training tells estimates. Figures are means over clips of PSNR-Y: trilinear,
    unadapted, and adapted by as many steps as internal learning chooses.
    """
    clips = build_data.validation_clips(config)
    model, learn = build.model(config), build.learner(config)
    generator = build.generator(config, estimate=estimators.of_training(config))

    @jax.jit
    def restore(params, clip, key):
        lr, kernel = degraded(key, clip, generator)
        seen = internal_learning.middle(pixels.to_uint8(lr), config.internal.max_frames)
        adapted = learn(params, seen, kernel, steps=config.internal.steps).params
        network = lambda p: model.apply({"params": p}, lr[None], kernel)[1][0]
        outputs = resampling.trilinear(lr), network(params), network(adapted)
        return pixels.to_uint8(jnp.stack(outputs))  # [3, 2M-1, H, W, 3]

    keys = kernel_keys(config, len(clips))

    def validate(params):
        scores = [
            [
                metrics.psnr_y(np.asarray(video), clip)
                for video in restore(params, clip, key)
            ]
            for clip, key in zip(clips, keys, strict=True)
        ]
        means = np.mean(scores, axis=(0, 2))
        names = ("psnr_trilinear", "psnr_unadapted", "psnr_adapted")
        return dict(zip(names, map(float, means), strict=True))

    return validate


def kernel_keys(config, count):
    """Keys of the blur of `count` validation clips."""
    # A stream of its own: of the seed's, 0 draws weights, 1 and 2 draw clips.
    stream = jax.random.fold_in(jax.random.key(config.run.seed), 2**31)
    return jax.random.split(stream, count)


def degraded(key, clip, generator):
    """`clip` `[2M-1, H, W, 3]` uint8 under a blur that `key` draws.

    Returns:
      LR `[M, h, w, 3]` float32 in [0, 1], of 8 bits; the kernel `[20, 20]` that
      networks are told.
    """
    kernel = kernels.from_parameters(tasks.sample(key, generator).blur)
    lr = degradation.degrade(pixels.to_float(clip), kernel, "drop")
    estimated = generator.relation == "estimated"
    return lr, generator.estimate(lr) if estimated else kernel
