"""`experiments.evaluate` in this process, on two tiny clips; its flags are here too."""

import json

import numpy as np
import small
from absl import flags
from absl.testing import flagsaver

from adavsr_jax import video
from experiments import evaluate


def clips(folder):
    """Writes two clips of 8 and 7 frames, the first no multiple of 16 high."""
    first, second = small.clips(2, 8, 48)
    video.write(folder / "a", first[:, :40], 25)
    video.write(folder / "b", second[:7, :32], 25)
    return folder


def truth(folder, name):
    """The frames of a clip that are scored: uint8 `[7, 32, 48, 3]`."""
    return np.stack(list(video.frames(folder / name)))[:7, :32]


def run(*arguments):
    with flagsaver.flagsaver():
        flags.FLAGS(["evaluate", *arguments])
        evaluate.main([])


def written(output):
    return json.loads((output / "results.json").read_text())
