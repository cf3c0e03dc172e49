"""The rows of a table: ways to restore a low-resolution, low-frame-rate clip.

A row is `trilinear`, weights by the name that `--weights` gives them, or such a name
with a way behind it: `NAME/consistent` (given frames back-projected), `NAME/scratch`
(the same networks, drawn anew and trained on the clip alone), `NAME/ssr_first` (frames
made larger before new ones are put between; not adapted).
"""

import functools
import operator
import pathlib
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import numpy as np

from adavsr_jax import passes, pixels, resampling, restoration, video
from experiments import cli, scores

# Short windows: the trilinear floor needs no more, and full frames are large.
_TRILINEAR_WINDOW = 4
BACK_PROJECTIONS = 3


class Row(NamedTuple):
    """One way to restore one clip.

    Attributes:
      modes: the kernel modes that the scores hold for.
      steps: as asked for, a number or `auto`. taken: as done.
      adapt_seconds: what they took; None where it was not measured, since they are
        the first of more steps.
      restorer: `(first, given)` gives the `2 given - 1` frames, uint8 `[H, W, 3]`, that
        belong to the low-frame-rate frames `first .. first + given - 1`.
    """

    modes: list[str]
    steps: int | str
    taken: int
    adapt_seconds: float | None
    restorer: Callable


def degrade(truth: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """uint8 `[T, H, W, 3]` -> `[(T + 1) // 2, H/4, W/4, 3]`, frames dropped."""
    return np.stack([np.asarray(scores.reduce(frame, kernel)) for frame in truth[::2]])


def trilinear(lr: np.ndarray, modes: list[str]) -> Iterator[Row]:
    """Bicubic in space, linear in time: the floor."""

    def restorer(first, given):
        window = lr[first : first + given]
        plan = passes.Plan(_TRILINEAR_WINDOW, *lr.shape[1:3])
        return restoration.restore(_trilinear_pass, window, radius=(1, 2), plan=plan)

    yield Row(modes, 0, 0, 0.0, restorer)


@functools.partial(jax.jit, static_argnums=3)
def _trilinear_pass(lr, count, first, length):
    del count  # linear in time: nothing sees beyond the frame after
    return restoration.cut(restore_trilinear(lr), first, length)


@jax.jit
def restore_trilinear(lr):
    """uint8 `[M, h, w, 3]` -> `[2M - 1, 4h, 4w, 3]`, all at once."""
    return pixels.to_uint8(resampling.trilinear(pixels.to_float(lr)))


def adapted(weights, lr, told, steps, *, back_projections=0) -> Iterator[Row]:
    """Algorithm 2 on the clip: a row for each kernel mode and number of steps.

    Args:
      weights: `trained.Trained`.
      lr: uint8 `[M, h, w, 3]`.
      told: `{mode: kernel [20, 20]}`, what adaptation and network are told.
      steps: numbers of steps, or `auto`: as many as internal learning chooses, at most
        `config.internal.steps`.
      back_projections: see `trained.Trained.restore`.
    """
    restore = functools.partial(weights.restore, back_projections=back_projections)
    for mode, kernel in told.items():
        found = {}
        for limit, counts in _runs(weights.config.internal.steps, steps):
            began = time.monotonic()
            learned = jax.block_until_ready(
                weights.adapt(weights.params, lr, kernel, limit)
            )
            seconds = time.monotonic() - began
            for count in counts:
                taken = int(learned.steps) if count == "auto" else count
                params = jax.tree.map(operator.itemgetter(taken), learned.trajectory)
                restorer = functools.partial(_window, restore, (params, lr, kernel))
                spent = seconds if count in ("auto", limit) else None
                found[count] = Row([mode], count, taken, spent, restorer)
        yield from (found[count] for count in steps)


def _runs(bound, steps):
    """`[(limit, counts), ...]`: numbers of steps that one adaptation passes through."""
    numbers = [count for count in steps if count != "auto"]
    if "auto" not in steps:
        return [(max(numbers), numbers)]
    longer = [count for count in numbers if count > bound]
    runs = [(bound, [count for count in steps if count not in longer])]
    return runs + ([(max(longer), longer)] if longer else [])


def consistent(weights, lr, told, steps):
    """As `adapted`; given frames are back-projected three times."""
    return adapted(weights, lr, told, steps, back_projections=BACK_PROJECTIONS)


def scratch(weights, lr, told, steps) -> Iterator[Row]:
    """Internal learning alone, with as many steps as the largest number of `steps`."""
    count = max((n for n in steps if n != "auto"), default=0)
    for mode, kernel in told.items():
        began = time.monotonic()
        params, _ = jax.block_until_ready(weights.scratch(lr, kernel, count))
        seconds = time.monotonic() - began
        restorer = functools.partial(_window, weights.restore, (params, lr, kernel))
        yield Row([mode], count, count, seconds, restorer)


def ssr_first(weights, lr, told, steps) -> Iterator[Row]:
    """The two stages the other way round, as they were trained apart."""
    del steps
    for mode, kernel in told.items():
        restorer = functools.partial(
            _window, weights.restore_ssr_first, (weights.params, lr, kernel)
        )
        yield Row([mode], 0, 0, 0.0, restorer)


# The ways behind a name of weights.
WAYS = {"consistent": consistent, "scratch": scratch, "ssr_first": ssr_first}


def _window(restore, arguments, first, given):
    params, lr, kernel = arguments
    return restore(params, lr[first : first + given], kernel)


def find_prediction(folder: pathlib.Path, clip: str) -> pathlib.Path:
    """What another system restored: `folder/clip/` or `folder/clip.<video>`.

    Raises an InputError if there is neither.
    """
    for path in (folder / clip, *sorted(folder.glob("*"))):
        name = path.name if path.is_dir() else path.stem
        if name == clip and video.is_media(path):
            return path
    raise cli.InputError(f"--predictions={folder}: holds no {clip}, folder or video")


def predictions(path: pathlib.Path, truth: np.ndarray, modes: list[str]):
    """What another system restored, as a row.

    Raises an InputError unless it is `2M - 1` frames of the size of `truth`.
    """
    frames = np.stack(list(video.frames(path)))
    expected = (2 * ((len(truth) + 1) // 2) - 1, *truth.shape[1:])
    if frames.shape != expected:
        raise cli.InputError(
            f"{path}: {_size(frames.shape)}, expected {_size(expected)}: all from "
            "the first given frame to the last, cropped as the clip is"
        )
    yield Row(
        modes,
        0,
        0,
        0.0,
        lambda first, given: frames[2 * first : 2 * (first + given) - 1],
    )


def _size(shape):
    return f"{shape[0]} frames of {shape[1]} x {shape[2]}"
