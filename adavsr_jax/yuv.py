"""Y'CbCr and RGB, 8 bits each, in floating point. NumPy only.

swscale's integer path darkens by a code value; these do not. Matrices bear the
numbers that video files tag them with (ITU-T H.273, MatrixCoefficients).
"""

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


def to_rgb(yuv: np.ndarray, matrix: int, *, full_range: bool) -> np.ndarray:
    """`uint8 [3, H, W]` Y, Cb, Cr -> `uint8 [H, W, 3]` RGB, full range.

    Args:
      yuv: planes, chroma at full size.
      matrix: a key of `LUMA`.
      full_range: codes run over 0-255; otherwise Y over 16-235, chroma over 16-240.
    """
    y, u, v = yuv.astype(np.float32)
    u, v = u - 128, v - 128
    if not full_range:
        y, u, v = (y - 16) * (255 / 219), u * (255 / 224), v * (255 / 224)
    red, blue = LUMA[matrix]
    u, v = u * (2 * (1 - blue)), v * (2 * (1 - red))
    green = y - (blue * u + red * v) / (1 - red - blue)
    return _to_codes(np.stack([y + v, green, y + u], axis=-1))


def from_rgb(rgb: np.ndarray, matrix: int) -> np.ndarray:
    """`uint8 [H, W, 3]` RGB -> `uint8 [3, H, W]` Y, Cb, Cr in limited range."""
    return np.stack(planes_from_rgb(rgb, matrix))


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


def _to_codes(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
