"""Y'CbCr and RGB, in floating point. NumPy only.

swscale's integer path darkens by a code value; these do not. Matrices bear the
numbers that video files tag them with (ITU-T H.273, MatrixCoefficients).
"""

from collections.abc import Sequence

import numpy as np

BT709 = 1
BT601 = 6
# matrix -> the weights of red and of blue in luma
LUMA = {
    BT709: (0.2126, 0.0722),
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.601, 625 lines
    BT601: (0.299, 0.114),
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020, non-constant luminance
}
# Pixels worked on at a time: so few stay in the cache, which takes a third of the time.
_STRIP = 1 << 16


def to_rgb(
    yuv: Sequence[np.ndarray], matrix: int, *, full_range: bool, bits: int = 8
) -> np.ndarray:
    """Y, Cb, Cr -> `[H, W, 3]` RGB, full range: uint8 of 8 bits, uint16 of more.

    Deeper codes are stretched to 0-65535, whatever their `bits`.

    Args:
      yuv: three planes `[H, W]` of codes, chroma at full size.
      matrix: a key of `LUMA`.
      full_range: codes run over all values; otherwise, at 8 bits, Y runs over 16-235
        and chroma over 16-240, and what lies beyond is clipped.
      bits: of a code, 8 to 16.
    """
    height, width = yuv[0].shape
    rgb = np.empty((height, width, 3), np.uint8 if bits == 8 else np.uint16)
    rows = max(1, _STRIP // width)
    for row in range(0, height, rows):
        strip = [plane[row : row + rows].astype(np.float32) for plane in yuv]
        _strip_to_rgb(strip, rgb[row : row + rows], LUMA[matrix], full_range, bits)
    return rgb


def _strip_to_rgb(yuv, rgb, luma, full_range, bits):
    """Fills `rgb`; uses up the planes."""
    top, black, gain, chroma_gain = _scales(full_range, bits)
    red, blue = luma
    green = 1 - red - blue
    y, u, v = yuv
    y -= black
    y *= gain
    u -= 1 << (bits - 1)
    v -= 1 << (bits - 1)
    u *= np.float32(2 * (1 - blue) * chroma_gain)
    v *= np.float32(2 * (1 - red) * chroma_gain)
    scratch = np.empty_like(y)
    for channel, chroma in ((0, v), (2, u)):
        np.add(y, chroma, out=scratch)
        rgb[..., channel] = _rounded(scratch, top)
    u *= np.float32(blue / green)
    v *= np.float32(red / green)
    y -= u
    y -= v
    rgb[..., 1] = _rounded(y, top)


def grey_to_rgb(y: np.ndarray, *, full_range: bool, bits: int = 8) -> np.ndarray:
    """Codes `[H, W]` of a grey video -> three equal channels; the rest as `to_rgb`."""
    top, black, gain, _ = _scales(full_range, bits)
    y = y.astype(np.float32)
    y -= black
    y *= gain
    grey = _rounded(y, top).astype(np.uint8 if bits == 8 else np.uint16)
    return np.repeat(grey[..., None], 3, axis=-1)


def _scales(full_range, bits):
    """The highest RGB code; the code of black; RGB codes to one of Y, to one of Cb."""
    top = np.float32(255 if bits == 8 else 65535)
    if full_range:
        return top, np.float32(0), *[top / np.float32((1 << bits) - 1)] * 2
    unit = np.float32(1 << (bits - 8))
    return top, 16 * unit, top / (219 * unit), top / (224 * unit)


def _rounded(values, top):
    """In place: the nearest codes, still as floats."""
    np.rint(values, out=values)
    return np.clip(values, 0, top, out=values)


def from_rgb(
    rgb: np.ndarray, matrix: int, *, full_range: bool = False, bits: int = 8
) -> np.ndarray:
    """`[H, W, 3]` RGB over all codes -> `[3, H, W]` Y, Cb, Cr, the inverse of `to_rgb`.

    Args:
      rgb: uint8 or uint16.
      matrix, full_range: as of `to_rgb`.
      bits: of a code of the result, 8 (uint8) or more (uint16).
    """
    height, width, _ = rgb.shape
    yuv = np.empty((3, height, width), np.uint8 if bits == 8 else np.uint16)
    rows = max(1, _STRIP // width)
    for row in range(0, height, rows):
        strip = np.moveaxis(rgb[row : row + rows], -1, 0).astype(np.float32)
        strip /= np.iinfo(rgb.dtype).max
        _strip_from_rgb(strip, yuv[:, row : row + rows], LUMA[matrix], full_range, bits)
    return yuv


def _strip_from_rgb(rgb, yuv, luma, full_range, bits):
    """Fills `yuv`; uses up the planes, which are numbers in [0, 1]."""
    codes = (1 << bits) - 1
    unit = 1 << (bits - 8)
    black, gain, chroma_gain = (
        (0, codes, codes) if full_range else (16 * unit, 219 * unit, 224 * unit)
    )
    red, blue = luma
    r, g, b = rgb
    y = g * np.float32(1 - red - blue)
    y += np.float32(red) * r
    y += np.float32(blue) * b
    for plane, colour, share in ((1, b, blue), (2, r, red)):
        colour -= y
        colour *= np.float32(chroma_gain / (2 * (1 - share)))
        colour += 1 << (bits - 1)
        yuv[plane] = _rounded(colour, codes)
    y *= np.float32(gain)
    y += black
    yuv[0] = _rounded(y, codes)
