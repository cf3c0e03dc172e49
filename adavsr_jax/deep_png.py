"""PNG of 16 bits through PyAV: Pillow makes 8 bits of all but grey ones. No JAX."""

import fractions

import av
import numpy as np

# What a pixel holds -> PyAV's name for it. The number of letters is that of values.
_FORMATS = {"L": "gray16be", "LA": "ya16be", "RGB": "rgb48be", "RGBA": "rgba64be"}


def decode(content: bytes, layout: str) -> np.ndarray:
    """A PNG -> its pixels.

    Args:
      content: the whole file. Checksums are not looked at.
      layout: `L`, `LA`, `RGB` or `RGBA`: what the file holds.

    Returns:
      `uint16 [H, W, C]`, C by the layout, over all 65,536 values.

    Raises:
      ValueError: not a PNG of 16 bits and this layout.
    """
    decoder = av.CodecContext.create("png", "r")
    try:
        decoded = [*decoder.decode(av.Packet(content)), *decoder.decode(None)]
    except av.error.FFmpegError as error:
        raise ValueError(str(error)) from error
    names = [frame.format.name for frame in decoded]
    if names != [_FORMATS[layout]]:
        raise ValueError(f"expected {_FORMATS[layout]}, found {names or 'no picture'}")
    (frame,) = decoded
    (plane,) = frame.planes
    rows = np.frombuffer(plane, np.uint8).reshape(frame.height, plane.line_size)
    values = np.ascontiguousarray(rows[:, : 2 * len(layout) * frame.width]).view(">u2")
    return values.astype(np.uint16).reshape(frame.height, frame.width, len(layout))


def encode(values: np.ndarray) -> bytes:
    """`uint16 [H, W, C]`, C of 1 (grey) to 4 (RGB and alpha) -> a PNG."""
    height, width, channels = values.shape
    name = list(_FORMATS.values())[channels - 1]
    frame = av.VideoFrame(width, height, name)
    (plane,) = frame.planes
    rows = np.zeros((height, plane.line_size), np.uint8)
    big_endian = values.astype(">u2").reshape(height, -1).view(np.uint8)
    rows[:, : big_endian.shape[1]] = big_endian
    plane.update(rows)
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, name
    encoder.time_base = fractions.Fraction(1)  # it wants one, and does not use it
    encoder.sample_aspect_ratio = fractions.Fraction(1)
    encoder.options = {"compression_level": "3", "pred": "up"}
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)
