"""Code values of 8 and of 16 bits, each over all its values. NumPy only."""

import numpy as np


def to_8_bits(values: np.ndarray) -> np.ndarray:
    """uint8 `[...]` as they are; uint16 rounded to uint8."""
    if values.dtype == np.uint8:
        return values
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def to_16_bits(values: np.ndarray) -> np.ndarray:
    """uint16 `[...]` as they are; uint8 stretched to uint16."""
    return values if values.dtype == np.uint16 else values.astype(np.uint16) * 257
