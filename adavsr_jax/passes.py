"""How large a pass of restoration may be: windows and tiles that fit in memory."""

import itertools
import math
from typing import NamedTuple

_LONGEST = 64  # input frames: longer windows save little and come late
_QUARTERS = (1, 2, 3, 4)  # lengths of windows, of the plan's
_SMALLEST = 8  # input pixels: smaller tiles are nearly all border
# Frames that are put together, wait for the encoder and are being encoded.
_COPIES = 3
_NEARLY = 1.06  # of the cheapest, for less memory


class Plan(NamedTuple):
    """How a shot is cut so that a pass fits in memory.

    Attributes:
      window: input frames that a pass adds.
      height, width: input pixels that a pass adds.
      more: input frames by which a pass may be longer that is a whole shot: it needs
        none around it.
    """

    window: int
    height: int
    width: int
    more: int = 0

    @property
    def longest(self):
        """Input frames of a whole shot that a pass may be."""
        return self.window + self.more

    def window_for(self, count, whole=False):
        """The shortest of the few windows that `count` frames fit in."""
        longest = self.longest if whole else self.window
        windows = [-(-longest * part // 4) for part in _QUARTERS]
        return min((n for n in windows if n >= count), default=longest)


class Cost(NamedTuple):
    """What a network costs for a pixel of its input and a frame of its output.

    Attributes:
      work: of TSR and of SSR, in any unit.
      memory: of TSR and of SSR, bytes at the peak; the peaks come after one another.
      code: bytes of a code of the result.
      reach: frames of the output that SSR needs to each side of those it makes.
    """

    work: tuple[float, float]
    memory: tuple[float, float]
    code: int = 1
    reach: int = 0


def choose(height, width, *, radius, cost, memory):
    """The plan that costs least of those that fit, and what its passes need.

    Args:
      height, width: of the input frames.
      radius: (input frames, input pixels) that an output pixel sees to each side.
      cost: a `Cost`.
      memory: bytes.

    Returns:
      `(Plan, bytes)`.

    Raises:
      ValueError: not even the smallest pass fits.
    """
    # SSR's frames are as many then; that there are no others must be known in time.
    more = min(cost.reach, radius[0] - 1)
    found = [
        (plan, *_needs(plan, height, width, radius, cost))
        for plan in _candidates(height, width, more)
    ]
    fitting = [each for each in found if each[2] <= memory]
    if not fitting:
        least = min(needed for _, _, needed in found)
        raise ValueError(
            f"frames of {width} x {height} need {least / 2**30:.2f} GiB at least; "
            f"there are {memory / 2**30:.2f}"
        )
    cheapest = min(work for _, work, _ in fitting)
    nearly = [each for each in fitting if each[1] <= _NEARLY * cheapest]
    plan, _, needed = min(nearly, key=lambda each: each[2])
    return plan, needed


def _candidates(height, width, more):
    windows = [2**n for n in range(int(math.log2(_LONGEST)) + 1)]
    sides = [
        sorted({-(-size // parts) for parts in range(1, max(2, size // _SMALLEST))})
        for size in (height, width)
    ]
    # A tile far from square is mostly border: sides are cut about as often.
    for window, rows in itertools.product(windows, sides[0]):
        parts = -(-height // rows)
        for columns in sides[1]:
            if (
                columns == width
                or abs(-(-width // columns) - parts * width / height) < 2
            ):
                yield Plan(window, rows, columns, more)


def _needs(plan, height, width, radius, cost):
    """`(work for an input pixel and frame, bytes)` of a plan's passes."""
    lead, halo = radius
    tile = [
        min(size, core + 2 * halo)
        for size, core in zip((height, width), plan[1:3], strict=True)
    ]
    area = math.prod(tile)
    count = -(-height // plan.height) * -(-width // plan.width)
    frames = (2 * (plan.window + 2 * lead) - 1, 2 * (plan.window + cost.reach))
    work = sum(n * w for n, w in zip(frames, cost.work, strict=True)) * area * count
    peak = max(n * m for n, m in zip(frames, cost.memory, strict=True)) * area
    results = _COPIES * 2 * plan.longest * 48 * height * width * cost.code
    return work / (plan.window * height * width), peak + results
