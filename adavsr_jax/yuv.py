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
    red, blue = LUMA[matrix]
    r, g, b = np.moveaxis(rgb.astype(np.float32), -1, 0)
    y = red * r + (1 - red - blue) * g + blue * b
    u, v = (b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))
    return _to_codes(
        np.stack([16 + y * (219 / 255), 128 + u * (224 / 255), 128 + v * (224 / 255)])
    )


def _to_codes(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
