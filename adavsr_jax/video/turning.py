"""Frames as they lie in the file, and as they want to be shown: turned, mirrored.

A display matrix is `a, b, c, d` of -1, 0, or 1: a pixel at (x, y) of the file is shown
at (a x + c y, b x + d y), up to a shift.
"""

import fractions

import av
import numpy as np
from av.sidedata import sidedata

Matrix = tuple[int, int, int, int]
# By quarter turns, counterclockwise.
_QUARTERS = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))


def of_frame(frame: av.VideoFrame) -> Matrix:
    """A decoded frame's display matrix; other angles go to the nearest right one."""
    try:
        data = frame.side_data.get(sidedata.Type.DISPLAYMATRIX)
    except ValueError:  # PyAV does not know every kind of side data: EXIF, for one
        return _QUARTERS[round(frame.rotation / 90) % 4]
    if data is None:
        return _QUARTERS[0]
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
    if abs(a) >= abs(b):
        return (-1 if a < 0 else 1), 0, 0, (-1 if d < 0 else 1)
    return 0, (-1 if b < 0 else 1), (-1 if c < 0 else 1), 0


def upright(pixels: np.ndarray, matrix: Matrix) -> np.ndarray:
    """`[h, w, 3]` as it is to be shown (`[w, h, 3]` if it lies aside), contiguous."""
    a, b, c, d = matrix
    if b:
        pixels = pixels.swapaxes(0, 1)
    return np.ascontiguousarray(pixels[:: b + d, :: a + c])


def upright_aspect(
    aspect: fractions.Fraction | None, matrix: Matrix
) -> fractions.Fraction:
    """Width to height of a pixel as it is to be shown; square if nobody says."""
    aspect = fractions.Fraction(aspect or 1)
    return 1 / aspect if matrix[1] else aspect
