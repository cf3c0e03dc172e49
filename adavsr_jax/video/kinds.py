"""What a video is, apart from its pictures; what a frame of one is."""

import dataclasses
import fractions
import os
from typing import NamedTuple

import numpy as np


@dataclasses.dataclass(frozen=True)
class Colour:
    """How codes mean colours, in the numbers of ITU-T H.273.

    Attributes:
      matrix: a key of `yuv.LUMA`; what a file leaves open is filled in as players do.
      primaries, transfer: as the file says, 2 if it does not.
      full_range: whether codes run over all values.
    """

    matrix: int
    primaries: int
    transfer: int
    full_range: bool


@dataclasses.dataclass(frozen=True)
class Info:
    """What is known of a video before its frames are.

    Attributes:
      height, width: of frames as they are given, upright.
      bits: of a code in the file, 8 to 16. Frames are uint8 if it is 8, else uint16
        over all 65,536 values.
      chroma: `420`, `422`, `444` or `grey` for Y'CbCr; `rgb`.
      colour: see above; of `rgb` the matrix is not used.
      aspect: width to height of a pixel, upright.
      rate: frames a second, nominal.
      time_base: seconds; every frame's time is a whole multiple of it.
      count: frames that the container promises, or a guess by its duration, or None.
      alpha: whether frames carry alpha (folders of pictures only).
    """

    height: int
    width: int
    bits: int
    chroma: str
    colour: Colour
    aspect: fractions.Fraction
    rate: fractions.Fraction
    time_base: fractions.Fraction
    count: int | None
    alpha: bool = False

    def aspect_at(self, height: int, width: int) -> fractions.Fraction:
        """Width to height of a pixel where the whole is shown by so many."""
        return limited(
            self.aspect * self.width * height / fractions.Fraction(self.height * width)
        )


def url(path: str | os.PathLike) -> str:
    """A path as FFmpeg takes it: a colon in a name is no protocol."""
    return f"file:{os.fspath(path)}"


def limited(
    fraction: fractions.Fraction, largest: int = 2**31 - 1
) -> fractions.Fraction:
    """The nearest positive one of numbers that FFmpeg counts in: to `largest`."""
    most = largest
    while (near := fraction.limit_denominator(most)).numerator > largest:
        most //= 2
    return max(near, fractions.Fraction(1, largest))


class Frame(NamedTuple):
    """A frame as it streams by.

    Attributes:
      pixels: uint8 or uint16 `[h, w, 3]`, RGB, full range.
      time: of presentation, in seconds; rises strictly from frame to frame.
      alpha: as `pixels` `[h, w]`, or None.
    """

    pixels: np.ndarray
    time: fractions.Fraction
    alpha: np.ndarray | None = None
