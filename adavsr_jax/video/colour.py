"""What a decoded frame's codes mean, and the RGB that they stand for.

swscale only brings chroma to full size, at the depth that the codes have: its integer
matrices darken by a code value, so the matrices are those of `yuv`, in floating point.
"""

import os

import av
import numpy as np
from av.sidedata import sidedata

from adavsr_jax import code_depths, yuv
from adavsr_jax.video import kinds

# ITU-T H.273, MatrixCoefficients: those that `yuv.LUMA` cannot express.
_REFUSED = {
    0: "RGB or XYZ under the name of Y'CbCr",
    8: "YCgCo",
    10: "BT.2020 of constant luminance",
    11: "SMPTE ST 2085",
    12: "derived from the primaries",
    13: "derived from the primaries, of constant luminance",
    14: "ICtCp",
    15: "IPT-C2",
    16: "YCgCo-Re",
    17: "YCgCo-Ro",
}
_UNTAGGED = 2  # by matrix, primaries, and transfer alike
_FULL_RANGE = 2  # FFmpeg's number


def layout(pixel_format: av.VideoFormat) -> tuple[str, int]:
    """`kinds.Info`'s words for a pixel format: its chroma, and the bits of a code."""
    parts = [part for part in pixel_format.components if not part.is_alpha]
    bits = max(8, *(part.bits for part in parts))
    if pixel_format.is_rgb or pixel_format.has_palette:
        return "rgb", bits
    if len(parts) == 1:
        return "grey", bits
    # One of 16 x 16 pixels shows how much smaller chroma is.
    chroma = av.VideoFormat(pixel_format.name, 16, 16).components[1]
    if chroma.width == 16:
        return "444", bits
    return ("422" if chroma.height == 16 else "420"), bits


def of_frame(frame: av.VideoFrame, path: str | os.PathLike) -> kinds.Colour:
    """What a frame's tags say, and where they say nothing, what players assume.

    That is BT.709 from 720 rows on and BT.601 below; limited range, but full for grey;
    RGB is always full. Transfer functions, HDR ones too, are told and left alone.

    Args:
      frame: as decoded.
      path: the file, for the error's sake.

    Raises:
      ValueError: a matrix that is not a key of `yuv.LUMA`, Dolby Vision without a
        picture that others can show, or codes that are no integers of Y'CbCr or RGB.
    """
    chroma, bits = layout(frame.format)
    if bits > 16 or frame.format.name.startswith("xyz"):
        raise ValueError(
            f"{path}: its pixels are {frame.format.name}; re-encode it in integers of"
            " RGB or Y'CbCr"
        )
    matrix, full = int(frame.colorspace), frame.color_range == _FULL_RANGE
    if chroma in ("grey", "rgb"):
        full = full or chroma == "rgb" or not frame.color_range
        matrix = _UNTAGGED
    elif matrix == _UNTAGGED and _is_dolby_vision(frame):
        raise ValueError(
            f"{path}: is Dolby Vision without an HDR10 or HLG base; convert it to HDR10"
            " or BT.709 first"
        )
    if matrix == _UNTAGGED:
        matrix = _assumed(frame.height)
    if matrix not in yuv.LUMA:
        raise ValueError(
            f"{path}: its colour matrix is {matrix}"
            f" ({_REFUSED.get(matrix, 'unknown')}), which is not read here; convert it"
            " to BT.709 or BT.2020 of non-constant luminance first"
        )
    # The `yuvj` formats say full range by name.
    full = full or frame.format.name.startswith("yuvj")
    return kinds.Colour(matrix, int(frame.color_primaries), int(frame.color_trc), full)


def of_pictures(height: int) -> kinds.Colour:
    """What stills are taken for: RGB over all codes, of no stated primaries."""
    return kinds.Colour(_assumed(height), _UNTAGGED, _UNTAGGED, True)


def rgb(frame: av.VideoFrame, colour: kinds.Colour, bits: int) -> np.ndarray:
    """One decoded frame as RGB, as it lies in the file: not yet turned upright.

    Args:
      frame: as decoded. Alpha is dropped and the stored colour kept.
      colour: as `of_frame` gives it.
      bits: 8, or more.

    Returns:
      `[h, w, 3]`, full range: uint8 of 8 bits (deeper frames are rounded), uint16 over
      0-65535 of more.
    """
    chroma, depth = layout(frame.format)
    if chroma == "rgb":
        pixels = _from_rgb(frame, depth)
    elif chroma == "grey":
        (grey,) = _planes(frame, "gray" if depth == 8 else f"gray{depth}le")
        pixels = yuv.grey_to_rgb(grey, full_range=colour.full_range, bits=depth)
    else:
        whole = "yuvj444p" if frame.format.name.startswith("yuvj") else "yuv444p"
        planes = _planes(frame, whole if depth == 8 else f"yuv444p{depth}le")
        pixels = yuv.to_rgb(
            planes, colour.matrix, full_range=colour.full_range, bits=depth
        )
    if bits == 8:
        return code_depths.to_8_bits(pixels)
    return code_depths.to_16_bits(pixels)


def _assumed(height):
    return yuv.BT709 if height >= 720 else yuv.BT601


def _is_dolby_vision(frame):
    try:
        return sidedata.Type.DOVI_RPU_BUFFER in frame.side_data
    except ValueError:
        return False


def _from_rgb(frame, depth):
    if depth == 8:
        return frame.to_ndarray(format="rgb24", threads=1)
    if not frame.format.name.startswith("gbr"):
        frame = frame.reformat(format=f"gbrp{depth}le", threads=1)
    codes = frame.to_ndarray()[..., :3]
    if depth == 16:
        return codes
    scaled = codes * np.float32(65535 / ((1 << depth) - 1))
    return np.rint(scaled, out=scaled).astype(np.uint16)


def _planes(frame, name):
    """Views `[h, w]` of codes, of a frame brought to a planar format."""
    # More threads would be started, and ended, for every frame.
    frame = frame.reformat(format=name, interpolation="BICUBIC", threads=1)
    dtype = np.dtype("<u2" if name.endswith("le") else "u1")
    return [
        np.frombuffer(plane, dtype).reshape(plane.height, -1)[:, : plane.width]
        for plane in frame.planes
    ]
