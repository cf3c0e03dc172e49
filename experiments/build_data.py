"""The clips of a config, for training and for validation, a part of `build`."""

import functools

import jax
import numpy as np

from adavsr_jax import data, rendering
from experiments import cli, cores


def batches(config, settings, start, *, seed_offset):
    """Host batches of a phase from its batch `start` on; its own shuffle and crops."""
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
        **_readers(),
    )


def _readers():
    """Who reads: threads beside steps on CPU cores, processes beside an accelerator."""
    if jax.default_backend() == "cpu":
        return {"num_threads": max(2, cores.count())}  # one reads, another crops
    return {"num_threads": 2, "num_processes": max(1, cores.count() // 2)}


def sources(config):
    """Training clips, from shards or rendered."""
    if config.data.rendered_clips:
        return [_rendered(config, config.data.rendered_clips, stream=1)]
    return [_shards(config, entry) for entry in config.data.train]


def check(config):
    """Opens all shards that the config reads and looks for room for its crops.

    Raises:
      ValueError: what is missing, damaged or too small for the crops.
    """
    if config.data.rendered_clips:
        return  # they are made to measure
    for source in sources(config):
        for section in _phases(config):
            if section.steps:
                data.check_room(source, patch=section.patch, frames=config.data.frames)
    data.check_room(
        _shards(config, config.data.validation),
        patch=_phases(config)[-1].patch,
        frames=config.data.frames,
    )


def validation_clips(config):
    """`config.run.validation_clips` centre crops of the size of the last phase's."""
    if config.data.rendered_clips:
        source = _rendered(config, config.run.validation_clips, stream=2)
    else:
        source = _shards(config, config.data.validation)
    return data.centre_crops(
        source,
        count=config.run.validation_clips,
        patch=_phases(config)[-1].patch,
        frames=config.data.frames,
    )


def _phases(config):
    """The sections that say how to train, in their order."""
    names = ("large_scale", "meta", "estimator")
    return [config[name] for name in names if name in config]


def _shards(config, entry):
    folder, _, split = entry.partition(":")
    if not split:
        raise cli.InputError(
            f"config.data: {entry!r} must read FOLDER:SPLIT, the folder inside "
            f"config.data.root ({config.data.root}), '.' for the root itself"
        )
    return data.shards(f"{config.data.root}/{folder}".removesuffix("/."), split)


def _rendered(config, count, *, stream):
    side = max(section.patch for section in _phases(config))
    clips = _draw(config.run.seed, stream, count, config.data.frames, side)
    return data.in_memory(clips)


@functools.cache  # both phases train on the same clips
def _draw(seed, stream, count, frames, side):
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), stream), count)
    draw = functools.partial(rendering.clip, frames=frames, height=side, width=side)
    return [np.asarray(draw(key)) for key in keys]
