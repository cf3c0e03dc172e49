"""Code values and numbers: integers <-> float32 in [0, 1]; the luma that is scored."""

import jax.numpy as jnp
import numpy as np


def to_float(frames):
    """uint8 or uint16 `[...]` to float32 `[...]` in [0, 1]."""
    frames = jnp.asarray(frames)
    return frames.astype(jnp.float32) / jnp.iinfo(frames.dtype).max


def to_8_bit_codes(frames):
    """uint8 or uint16 `[...]` to float32 `[...]` in 0..255; uint8 keeps its codes."""
    frames = jnp.asarray(frames)
    # A whole number, 1 or 257: what is a multiple of it comes back exactly.
    return frames.astype(jnp.float32) / (jnp.iinfo(frames.dtype).max // 255)


def to_uint8(frames):
    """Floats `[...]` in [0, 1] to the nearest uint8; what lies outside is clipped."""
    return to_codes(frames, jnp.uint8)


def to_codes(frames, dtype):
    """As `to_uint8`, for an unsigned `dtype` of 8 or 16 bits and all its values."""
    return _code_values(frames, jnp.iinfo(dtype).max).astype(dtype)


def round_to_8_bits(frames):
    """The floats `[...]` that come back from a file of 8-bit frames.

    Equal to `to_float(to_uint8(frames))` for float32. Its derivative is zero.
    """
    return _code_values(frames) / 255


def luma(rgb):
    """Y `[...]` of ITU-R BT.601 for RGB code values `[..., 3]` in 0..255.

    `Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255`, in 16..235 and not rounded.
    NumPy arrays give float64 on the host, JAX arrays float32.
    """
    rgb = rgb.astype(np.float64 if isinstance(rgb, np.ndarray) else jnp.float32)
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    return 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255


def _code_values(frames, highest=255):
    return jnp.round(jnp.clip(frames, 0, 1) * highest)
