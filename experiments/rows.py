"""The rows of a table: ways to restore a low-resolution, low-frame-rate clip."""

import functools
import pathlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import numpy as np

from adavsr_jax import degradation, kernels, pixels, resampling, restoration, video
from experiments import cli

NAMES = ("trilinear", "ours")
MODES = ("oracle", "bicubic")
# Short windows: the trilinear floor needs no more, and full frames are large.
_TRILINEAR_WINDOW = 4


class Row(NamedTuple):
    """One way to restore one clip.

    `restorer(first, given)` gives the `2 given - 1` frames, uint8 `[H, W, 3]`, that
    belong to the low-frame-rate frames `first .. first + given - 1`.
    """

    name: str
    modes: list[str]  # the kernel modes that the scores hold for
    steps: int
    restorer: Callable


def degrade(truth: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """uint8 `[T, H, W, 3]` -> `[(T + 1) // 2, H/4, W/4, 3]`, frames dropped."""
    return np.stack([_degrade_frame(frame, kernel) for frame in truth[::2]])


@jax.jit
def _degrade_frame(frame, kernel):
    lr = degradation.blur_and_reduce(pixels.to_float(frame), kernel)
    return pixels.to_uint8(lr)


def trilinear(lr: np.ndarray, modes: list[str]) -> Row:
    """Bicubic in space, linear in time: the floor."""

    def restorer(first, given):
        window = lr[first : first + given]
        return restoration.restore(
            restore_trilinear, window, radius=1, window=_TRILINEAR_WINDOW
        )

    return Row("trilinear", modes, 0, restorer)


@jax.jit
def restore_trilinear(lr):
    """uint8 `[M, h, w, 3]` -> `[2M - 1, 4h, 4w, 3]`, all at once."""
    return pixels.to_uint8(resampling.trilinear(pixels.to_float(lr)))


def ours(weights, lr, kernel, modes, steps) -> Iterator[Row]:
    """Algorithm 2 on the clip: a row for each kernel mode and number of steps.

    Args:
      weights: `trained.Trained`.
      lr: uint8 `[M, h, w, 3]`. kernel: `[20, 20]`, the true one.
      modes: `oracle` tells adaptation the true kernel, `bicubic` the bicubic.
      steps: numbers of adaptation steps.
    """
    told = {"oracle": kernel, "bicubic": np.asarray(kernels.bicubic())}
    for mode in modes:
        for count in steps:
            adapted, _ = weights.adapt(weights.params, lr, told[mode], count)
            restorer = functools.partial(
                _restore_window, weights, adapted, lr, told[mode]
            )
            yield Row("ours", [mode], count, restorer)


def _restore_window(weights, params, lr, kernel, first, given):
    return weights.restore(params, lr[first : first + given], kernel)


def find_prediction(folder: pathlib.Path, clip: str) -> pathlib.Path:
    """What another system restored: `folder/clip/` or `folder/clip.<video>`.

    Raises an InputError if there is neither.
    """
    for path in (folder / clip, *sorted(folder.glob("*"))):
        name = path.name if path.is_dir() else path.stem
        if name == clip and video.is_media(path):
            return path
    raise cli.InputError(f"--predictions={folder}: holds no {clip}, folder or video")


def predictions(path: pathlib.Path, truth: np.ndarray, modes: list[str]) -> Row:
    """What another system restored, as a row of the name of the folder around it.

    Raises an InputError unless it is `2M - 1` frames of the size of `truth`.
    """
    frames = np.stack(list(video.frames(path)))
    expected = (2 * ((len(truth) + 1) // 2) - 1, *truth.shape[1:])
    if frames.shape != expected:
        raise cli.InputError(
            f"{path}: {_size(frames.shape)}, expected {_size(expected)}: all from "
            "the first given frame to the last, cropped as the clip is"
        )
    return Row(
        path.parent.resolve().name,
        modes,
        0,
        lambda first, given: frames[2 * first : 2 * (first + given) - 1],
    )


def _size(shape):
    return f"{shape[0]} frames of {shape[1]} x {shape[2]}"
