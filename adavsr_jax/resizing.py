"""Frames of another size, antialiased, through Pillow. No JAX."""

import numpy as np
from PIL import Image


def resize(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Lanczos, three lobes, widened where the result is the smaller.

    Args:
      pixels: uint8 or uint16 `[H, W, 3]`, or `[H, W]`.
      height, width: of the result, 1 or more.

    Returns:
      The same type and form, `[height, width, ..]`; equal to `pixels` at their own
      size.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    if pixels.dtype == np.uint8:
        return np.asarray(_resized(pixels, height, width))
    # Pillow has no picture of three deep channels: one after the other, as floats.
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    resized = [
        np.asarray(_resized(plane.astype(np.float32), height, width))
        for plane in np.moveaxis(planes, -1, 0)
    ]
    most = np.iinfo(pixels.dtype).max
    codes = np.clip(np.rint(np.stack(resized, axis=-1)), 0, most).astype(pixels.dtype)
    return codes[..., 0] if pixels.ndim == 2 else codes


def _resized(plane, height, width):
    return Image.fromarray(plane).resize((width, height), Image.Resampling.LANCZOS)
