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
from experiments import build, build_data, cli, clusters, estimators


def build_validation(config):
    """`(params) -> {name: dB}` on the validation clips, each with a kernel of its own.

    The kernels are draws from the training distribution that every run with the same
    seed repeats; frames are dropped, LR is 8 bits. The kernel is known, or estimated
    where training tells estimates. Figures are means over clips of PSNR-Y: trilinear,
    unadapted, and adapted by as many steps as internal learning chooses. A clip that
    one of the three restores exactly counts in none; where that leaves no clip there
    are no figures. Errors as of `problems`.
    """
    model, learn = build.model(config), build.learner(config)
    generator = build.generator(config, estimate=estimators.of_training(config))
    pairs = problems(config, generator)

    @jax.jit
    def restore(params, clip, key):
        lr, kernel = degraded(key, clip, generator)
        seen = internal_learning.middle(pixels.to_uint8(lr), config.internal.max_frames)
        adapted = learn(params, seen, kernel, steps=config.internal.steps).params
        network = lambda p: model.apply({"params": p}, lr[None], kernel)[1][0]
        outputs = resampling.trilinear(lr), network(params), network(adapted)
        return pixels.to_uint8(jnp.stack(outputs))  # [3, 2M-1, H, W, 3]

    def validate(params):
        restored = ((clip, restore(params, clip, key)) for clip, key in pairs)
        scores = finite(
            [
                [metrics.psnr_y(np.asarray(video), clip) for video in outputs]
                for clip, outputs in restored
            ]
        )
        means = np.mean(scores, axis=(0, 2)) if len(scores) else ()
        names = ("psnr_trilinear", "psnr_unadapted", "psnr_adapted")
        return dict(zip(names, map(float, means), strict=False))

    return validate


def problems(config, generator):
    """`[(clip, key of its blur), ...]`: the validation clips that can be told apart.

    Left out, with a note, is what trilinear upsampling restores exactly, as a black
    clip: its PSNR is infinite and says nothing of the weights.

    Raises:
      InputError: all are.
    """
    clips = build_data.validation_clips(config)
    keys = kernel_keys(config, len(clips))

    @jax.jit
    def upsampled(clip, key):
        lr, _ = degraded(key, clip, generator)
        return pixels.to_uint8(resampling.trilinear(lr))

    is_exact = lambda clip, key: np.isinf(
        metrics.psnr_y(np.asarray(upsampled(clip, key)), clip)
    ).any()
    pairs = zip(clips, keys, strict=True)
    kept = [(clip, key) for clip, key in pairs if not is_exact(clip, key)]
    if not kept:
        raise cli.InputError(
            f"config.data.validation: trilinear upsampling restores a frame of each of "
            f"the {len(clips)} clips exactly, as of black ones, which says nothing of "
            "weights; name other clips, or ask for more, config.run.validation_clips"
        )
    if len(kept) < len(clips) and clusters.is_first():
        print(
            f"note: {len(clips) - len(kept)} of {len(clips)} validation clips are left "
            "out: trilinear upsampling restores them exactly, as black ones",
            flush=True,
        )
    return kept


def finite(scores):
    """Of scores `[clips, ...]` those of clips that have no infinite one, an array."""
    scores = np.asarray(scores)
    return scores[np.isfinite(scores).reshape(len(scores), -1).all(axis=1)]


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
