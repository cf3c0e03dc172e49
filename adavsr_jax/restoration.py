"""Algorithm 2, line 6: adapted weights restore a shot, pass by pass.

A pass is a window in time of a tile in space, each with as much around it as the
network sees, so that what comes out is that of the whole shot at once. All passes have
one of a few shapes: a handful of programs serve shots of any length.
"""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


def restore(network, frames, *, radius, plan, first=0):
    """Yields the restored frames of one shot in order, memory bounded by the plan.

    Args:
      network: `(lr, count, offset, window) -> hr`: of `lr [L, h, w, 3]`, `L` a window
        or with a radius more to each side, frames from `count` on are not there and
        repeat the last that is; `hr [2 window, 4h, 4w, 3]` begins with the frame at
        `offset`, see `cut`.
        `count` and `offset` are numbers that it should not be compiled for.
      frames: the shot's, `[h, w, 3]` each, uint8 or uint16; taken as they are needed.
      radius: (input frames, input pixels) that an output pixel sees to each side; of
        frames at least 1.
      plan: a `passes.Plan`.
      first: input frames that are restored already.

    Yields:
      `2M - 1` frames `[4h, 4w, 3]`, less the first `2 first`.
    """
    lead, halo = radius
    held = _Held(frames)
    for start in itertools.count(first, plan.window):
        ahead = held.take(start - lead, start + plan.window + lead)
        if start >= held.end:
            return
        # Nothing before and nothing after?
        whole = not start and len(ahead) <= plan.longest
        count = len(ahead) if whole else min(held.end - start, plan.window)
        window = plan.window_for(count, whole)
        offset = min(start, lead)
        lr = ahead[: offset + window + lead]
        there = len(lr)
        lr = np.stack(lr + [lr[-1]] * (window + 2 * lead * (not whole) - there))
        run = lambda tile, at=(there, offset, window): network(tile, *at)
        hr = _tiled(run, lr, halo, plan)
        # After the last frame there is nothing to be midway to.
        yield from hr[: 2 * count - (start + count == held.end and not held.more)]
        if whole:
            return


def cut(frames, first, length):
    """Frames `2 first` to `2 (first + length)` of `[2L - 1, ...]`, the last one twice.

    `first` need not be known when this is compiled.
    """
    frames = jnp.concatenate([frames, frames[-1:]])
    return jax.lax.dynamic_slice_in_dim(frames, 2 * first, 2 * length)


class _Held:
    """The last few frames of a stream, by their numbers.

    Attributes:
      end: how many frames have come. more: whether there may be others.
    """

    def __init__(self, frames):
        self._frames = iter(frames)
        self._held, self.end, self.more = [], 0, True

    def take(self, start, stop):
        """Frames `start` (0 if below) to `stop` or the last; earlier ones are let go.

        `start` never falls.
        """
        while self.more and self.end < stop:
            try:
                self._held.append(next(self._frames))
            except StopIteration:
                self.more = False
            else:
                self.end += 1
                spare = len(self._held) - (self.end - max(0, start))
                del self._held[: max(0, spare)]
        base = self.end - len(self._held)
        return self._held[max(0, start - base) : stop - base]


def _tiled(run, lr, halo, plan):
    """`run` on `[L, h, w, 3]` whole, or tile by tile and put together."""
    rows, columns = (
        list(_spans(size, core, halo))
        for size, core in zip(lr.shape[1:3], plan[1:3], strict=True)
    )
    if len(rows) == len(columns) == 1:
        return np.asarray(run(lr))
    whole = None
    for y, x in itertools.product(rows, columns):
        hr = np.asarray(run(lr[:, y.start : y.stop, x.start : x.stop]))
        if whole is None:
            height, width = (4 * size for size in lr.shape[1:3])
            whole = np.empty((len(hr), height, width, 3), hr.dtype)
        here = whole[:, 4 * y.first : 4 * y.last, 4 * x.first : 4 * x.last]
        top, left = 4 * (y.first - y.start), 4 * (x.first - x.start)
        here[:] = hr[:, top : top + here.shape[1], left : left + here.shape[2]]
    return whole


class _Span(NamedTuple):
    """A tile reaches from `start` to `stop`; `first` to `last` of it are kept."""

    start: int
    stop: int
    first: int
    last: int


def _spans(size, core, halo):
    """Tiles of one length along an axis; those at the border begin or end there."""
    length = min(size, core + 2 * halo)
    for first in range(0, size, core):
        start = min(max(first - halo, 0), size - length)
        yield _Span(start, start + length, first, min(first + core, size))
