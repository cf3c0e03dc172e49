"""Which frames of a clip are restored together, and which of them are scored.

The high-frame-rate clip has frames `0 .. T-1`; the low-frame-rate one is frames 0, 2,
4 ... of it, `M = (T + 1) // 2`, from which `2M - 1` frames can be restored.

`all`: the whole clip at once, all `2M - 1` frames scored (of Vid4, 170).
`zsm`: as the published code of Zooming Slow-Mo (Xiang et al., CVPR 2020) does it:
windows of 7 frames start every 6 and are restored one by one; a frame in two windows
is scored in the first; what no whole window covers at the end is left out (of Vid4,
160 frames are scored).
"""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from experiments import cli

NAMES = ("all", "zsm")
_ZSM_GIVEN = 4  # of a window of 7 frames


class Window(NamedTuple):
    """Low-frame-rate frames `first .. first + given - 1`, restored together."""

    first: int
    given: int
    repeated: int  # restored frames, from the first on, that were scored before


def windows(protocol: str, count: int) -> list[Window]:
    """The windows of a clip with `count` high-frame-rate frames, in order."""
    given = (count + 1) // 2
    if protocol == "all":
        return [Window(0, given, 0)]
    starts = range(0, given - _ZSM_GIVEN + 1, _ZSM_GIVEN - 1)
    return [Window(start, _ZSM_GIVEN, int(start > 0)) for start in starts]


def num_scored(protocol: str, count: int) -> int:
    """How many frames, from frame 0 on, the protocol scores of a clip of `count`."""
    return sum(2 * w.given - 1 - w.repeated for w in windows(protocol, count))


def check(protocol: str, clip: os.PathLike, count: int) -> None:
    """Raises an InputError where the clip named is too short for the protocol."""
    needed = {"all": 3, "zsm": 7}[protocol]
    if count < needed:
        raise cli.InputError(
            f"{clip}: {count} frames, but the protocol {protocol!r} needs {needed}; "
            "leave out the clip or the protocol"
        )


def restore(protocol: str, count: int, restorer: Callable) -> Iterator[np.ndarray]:
    """Yields the frames to score, uint8 `[4h, 4w, 3]`.

    Args:
      protocol: one of `NAMES`.
      count: frames of the high-frame-rate clip.
      restorer: `(first, given)` of a window -> iterable of its `2 given - 1` frames.
    """
    for window in windows(protocol, count):
        frames = restorer(window.first, window.given)
        yield from itertools.islice(frames, window.repeated, None)
