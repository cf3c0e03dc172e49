"""Tells the blur of every shot of a video, in words, as a picture and as a file.

    python -m experiments.estimate_kernel --input=in.mp4 --output=blur

Reads a video, and of a shot as much as `experiments.super_resolve` looks at with the
weights that come with the project: both tell the same. Leaves `blur.png`, one picture a
shot, and `blur_1.npy`, `blur_2.npy` ..., kernels that `experiments.super_resolve
--kernel=FILE.npy` takes.
"""

import functools
import os
import pathlib

import numpy as np
from absl import flags

from adavsr_jax import video
from experiments import cli, estimators, figures, method, shipped, shot_stream

_INPUT = flags.DEFINE_string(
    "input", None, "A video file, or a folder of frames.", required=True
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "Where to, a path without a suffix.", required=True
)
_ESTIMATOR = flags.DEFINE_enum(
    "estimator",
    "network",
    estimators.NAMES,
    "How it is told, see experiments/estimators.py.",
)
_ESTIMATOR_WEIGHTS = flags.DEFINE_string(
    "estimator_weights",
    None,
    "The --workdir of a run of train_kernel_estimator, for --estimator=network; by"
    " default the weights that come with the project.",
)
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace what stands at --output.")


def main(argv):
    del argv
    output = pathlib.Path(_OUTPUT.value)
    if output.suffix in (".png", ".npy"):
        output = output.with_suffix("")
    if not os.path.exists(_INPUT.value):
        raise cli.InputError(f"--input={_INPUT.value}: no such file or folder")
    cli.make_folder("output", output.resolve().parent)
    picture = output.with_name(output.name + ".png")
    _check_free(picture)
    estimator = estimators.load(_ESTIMATOR.value, _ESTIMATOR_WEIGHTS.value)
    config = shipped.network(shipped.size()).config
    kernels, drawn = {}, []
    with video.open_source(_INPUT.value) as source:
        marked = shot_stream.marked(source)
        look = functools.partial(method.look, config)
        for shot in shot_stream.shots_of(marked, look):
            file = output.with_name(f"{output.name}_{shot.number}.npy")
            _check_free(file)
            frames = np.stack([frame.pixels for frame in shot.head])
            found = estimator.estimate(frames)
            shot.finish()
            end = shot.start + shot.count - 1
            print(f"shot {shot.number}: frames {shot.start} to {end}: {found.told}")
            label = found.told.replace(", ", "\n")
            drawn.append((f"shot {shot.number}", [(label, _draw(found.kernel))]))
            kernels[file] = found.kernel
    for note in source.notes:
        print(f"note: {note}")
    for file, kernel in kernels.items():
        np.save(file, kernel)
    figures.compare(picture, drawn, zoom=12)
    print(f"written: {picture}, and a .npy file a shot beside it")


def _check_free(path):
    if path.exists() and not _OVERWRITE.value:
        raise cli.InputError(f"{path} exists: choose another name, or --overwrite")


def _draw(kernel):
    """`uint8 [20, 20, 3]`: white is the largest tap, black is 0, red is below it."""
    shades = np.clip(np.abs(kernel) / np.abs(kernel).max() * 255, 0, 255)
    red = np.stack([shades, 0 * shades, 0 * shades], axis=-1)
    grey = np.stack([shades] * 3, axis=-1)
    return np.where(kernel[..., None] < 0, red, grey).astype(np.uint8)


if __name__ == "__main__":
    cli.run(main)
