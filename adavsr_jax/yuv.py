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


def planes_from_rgb(
    rgb: np.ndarray,
    matrix: int,
    *,
    bits: int = 8,
    full_range: bool = False,
    chroma: str = "444",
    centred: bool = False,
) -> list[np.ndarray]:
    """RGB -> the planes Y, Cb, Cr as a video file holds them.

    Chroma is brought to its size as a weighted mean of RGB, before the matrix; both
    are linear. A grey picture stays grey: its chroma is the middle code everywhere.

    Args:
      rgb: uint8 or uint16 `[H, W, 3]`, full range; H and W even where chroma halves.
      matrix: a key of `LUMA`.
      bits: of a code; 8, or 10 and more.
      full_range: codes run over all values; otherwise, times `2^(bits-8)`, Y over
        16-235 and chroma over 16-240.
      chroma: `444`; `422`, halved in width; or `420`, in height as well.
      centred: where halved chroma lies between two columns, as JPEG has it; otherwise
        on the even ones, as MPEG has it. Between two rows in any case.

    Returns:
      Three planes `[H, W]` (chroma as it says), uint8 for 8 bits, else uint16.
    """
    red, blue = LUMA[matrix]
    white = np.iinfo(rgb.dtype).max
    top, step = 2**bits - 1, 2 ** (bits - 8)
    luma = np.array([red, 1 - red - blue, blue])
    ends = np.array([[0, 0, 1], [1, 0, 0]])  # blue - Y, red - Y
    differences = (ends - luma) / (2 * (1 - np.array([[blue], [red]])))
    luma *= (top if full_range else 219 * step) / white
    differences *= (top if full_range else 224 * step) / white

    height, width = rgb.shape[:2]
    values = rgb.astype(np.float32)
    y = values.reshape(-1, 3) @ luma.astype(np.float32)
    if chroma == "420":
        values = values[0::2] + values[1::2]
        differences /= 2
    u, v = (differences.astype(np.float32) @ values.reshape(-1, 3).T).reshape(
        2, -1, width
    )
    if chroma != "444":
        halve = _between_columns if centred else _on_even_columns
        u, v = halve(u), halve(v)
    black, middle = 0 if full_range else 16 * step, 128 * step
    dtype = np.uint8 if bits == 8 else np.uint16
    return [
        _round(y.reshape(height, width), black, top, dtype),
        _round(u, middle, top, dtype),
        _round(v, middle, top, dtype),
    ]


def _on_even_columns(plane):
    """`[h, w]` -> `[h, w/2]`, weights 1 2 1; the first column repeats to its left."""
    half = 2 * plane[:, 0::2]
    half += plane[:, 1::2]
    half[:, 1:] += plane[:, 1:-1:2]
    half[:, 0] += plane[:, 0]
    half *= 0.25
    return half


def _between_columns(plane):
    half = plane[:, 0::2] + plane[:, 1::2]
    half *= 0.5
    return half


def _round(plane, offset, top, dtype):
    """Floats to codes, in place as far as it goes: this is a frame's hot path."""
    plane += offset + 0.5  # what follows cuts off, and nothing is below zero
    np.minimum(plane, top, out=plane)
    return plane.astype(dtype)
