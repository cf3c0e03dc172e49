"""How a result is encoded: container, encoder, pixel format, colours, times."""

import dataclasses
import fractions
import io
import os
import pathlib
from typing import NamedTuple

import av

from adavsr_jax import yuv
from adavsr_jax.video import kinds

CONTAINERS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
}
_DEFAULTS = {"webm": "libvpx-vp9"}
_FAMILIES = {
    "h264": "libx264",
    "hevc": "libx265",
    "h265": "libx265",
    "av1": "libsvtav1",
    "vp9": "libvpx-vp9",
    "prores": "prores_ks",
}
_HDR = {16: "PQ", 18: "HLG"}  # ITU-T H.273, TransferCharacteristics
_UNTAGGED = 2
_CHROMAS = ("420", "422", "444")


class _Encoder(NamedTuple):
    """Options; constant quality as (ours, the highest), None where it has none."""

    options: dict[str, str]
    crf: tuple[int, int] | None = None


_ENCODERS = {
    # 15 frames of 1280 x 720 on one core: veryfast 20 ms a frame and 50.1 dB, medium
    # 55 ms and 50.8 dB, as many bytes. The network needs the cores more.
    "libx264": _Encoder({"preset": "veryfast"}, (13, 51)),
    "libx265": _Encoder({"preset": "fast", "x265-params": "log-level=error"}, (16, 51)),
    "libsvtav1": _Encoder({"preset": "8"}, (18, 63)),
    "libvpx-vp9": _Encoder({"b": "0", "cpu-used": "4", "row-mt": "1"}, (16, 63)),
    "prores_ks": _Encoder({"profile": "3"}),
    "ffv1": _Encoder({"level": "3", "slicecrc": "1"}),
    "mjpeg": _Encoder({"flags": "+qscale", "global_quality": "236"}),
}


@dataclasses.dataclass(frozen=True)
class Format:
    """How a result is encoded.

    Attributes:
      container: FFmpeg's name. codec: its encoder. options: of the encoder, as pairs.
      pixel_format: FFmpeg's name. bits: of a code in it.
      height, width: of frames. aspect: width to height of a pixel.
      colour: tags, and what the pixels are converted by.
      rate: frames a second, nominal. time_base: seconds; times are multiples of it.
    """

    container: str
    codec: str
    options: tuple[tuple[str, str], ...]
    pixel_format: str
    bits: int
    height: int
    width: int
    aspect: fractions.Fraction
    colour: kinds.Colour
    rate: fractions.Fraction
    time_base: fractions.Fraction


def choose(
    path: str | os.PathLike,
    info: kinds.Info,
    *,
    height: int,
    width: int,
    codec: str | None = None,
    crf: float | None = None,
) -> tuple[Format, list[str]]:
    """The format of a result with twice the frames of a source.

    Depth, chroma and colours stay the source's where the encoder has them; RGB and grey
    become 4:2:0, which all players show, of BT.709. `ffv1` keeps RGB and is exact.

    Args:
      path: whose suffix says the container, a key of `CONTAINERS`.
      info: of the source.
      height, width: of the result.
      codec: an encoder or a family (`h264`, `hevc`, `av1`, `vp9`, `prores`, `ffv1`,
        `mjpeg`); None: H.264, for WebM VP9.
      crf: constant quality; None: near lossless.

    Returns:
      The format, and lines on what differs from the source.

    Raises:
      ValueError: unknown or unfit values, an odd size where chroma is halved, HDR in
        8 bits.
    """
    container = CONTAINERS[pathlib.Path(path).suffix.lower()]
    name, options = _encoder(container, codec, crf)
    pixel_format, bits = _pixel_format(name, info)
    tags = _colour(name, info)
    if tags.transfer in _HDR and bits == 8:
        raise ValueError(
            f"{path}: {name} has 8 bits and the video is HDR ({_HDR[tags.transfer]}),"
            " which needs 10; use --codec=hevc or --codec=av1, and .mkv or .mp4"
        )
    steps = (
        2 if "420" in pixel_format else 1,
        2 if "420" in pixel_format or "422" in pixel_format else 1,
    )
    if height % steps[0] or width % steps[1]:
        raise ValueError(
            f"{path}: {pixel_format} needs even sizes and the result is {width} x"
            f" {height}; use --size={width // 2 * 2}x{height // 2 * 2}, or write a"
            " folder of PNG files"
        )
    form = Format(
        container=container,
        codec=name,
        options=tuple(sorted(options.items())),
        pixel_format=pixel_format,
        bits=bits,
        height=height,
        width=width,
        aspect=info.aspect,
        colour=tags,
        rate=2 * info.rate,
        time_base=info.time_base / 2,
    )
    return form, _differences(path, info, form)


def _encoder(container, codec, crf):
    """`(name, options)` of an encoder, checked."""
    name = _DEFAULTS.get(container, "libx264") if codec is None else codec.lower()
    name = _FAMILIES.get(name, name)
    if name not in _ENCODERS:
        known = ", ".join([*_FAMILIES, "ffv1", "mjpeg"])
        raise ValueError(f"--codec={codec}: unknown encoder; there are {known}")
    with av.open(io.BytesIO(), "w", format=container) as probe:
        held = probe.supported_codecs
    if av.Codec(name, "w").canonical_name not in held:
        raise ValueError(
            f"--codec={codec}: {container} files cannot hold it; use .mkv, or leave"
            " --codec out"
        )
    options, quality = _ENCODERS[name]
    if quality is None:
        if crf is not None:
            raise ValueError(f"--crf={crf:g}: {name} has no constant quality; omit it")
        return name, options
    ours, highest = quality
    crf = ours if crf is None else crf
    if not 0 <= crf <= highest:
        raise ValueError(f"--crf={crf:g}: expected 0 to {highest} for {name}")
    return name, options | {"crf": f"{crf:g}"}


def _pixel_format(name, info):
    """`(pixel format, bits)`: the nearest to the source's that an encoder has."""
    deep = info.bits > 8
    if name == "ffv1":
        return ("gbrp16le", 16) if deep else ("bgr0", 8)
    has = {form.name for form in av.Codec(name, "w").video_formats}
    wanted = info.chroma if info.chroma in _CHROMAS else "420"
    # Rather more chroma than the source has than less.
    order = sorted(_CHROMAS, key=lambda chroma: (chroma < wanted, chroma))
    depths = ("10le", "") if deep else ("", "10le")
    prefix = "yuvj" if name == "mjpeg" else "yuv"
    for depth in depths:
        for chroma in order:
            found = f"{prefix}{chroma}p{depth}"
            if found in has:
                return found, 10 if depth else 8
    raise AssertionError(f"{name} has none of our pixel formats")


def _colour(name, info):
    colour = info.colour
    if info.chroma in ("rgb", "grey"):
        tags = [
            1 if tag == _UNTAGGED else tag
            for tag in (colour.primaries, colour.transfer)
        ]
        colour = kinds.Colour(yuv.BT709, *tags, False)
    if name == "mjpeg":  # JPEG knows no other
        return dataclasses.replace(colour, matrix=yuv.BT601, full_range=True)
    if name == "ffv1":
        return dataclasses.replace(colour, matrix=0, full_range=True)
    if name == "prores_ks":  # has no word for the range
        return dataclasses.replace(colour, full_range=False)
    return colour


def _differences(path, info, form):
    notes = []
    if info.bits > form.bits:
        notes.append(f"{path}: {info.bits} bits become {form.bits}")
    sampled = info.chroma in _CHROMAS and form.codec != "ffv1"
    if sampled and info.chroma not in form.pixel_format:
        notes.append(
            f"{path}: chroma {info.chroma} becomes {form.pixel_format}: {form.codec}"
            " has nothing nearer"
        )
    in_the_codec = form.codec in ("libx264", "libx265", "mjpeg")
    if form.aspect != 1 and form.container in ("matroska", "webm") and not in_the_codec:
        notes.append(
            f"{path}: {form.codec} there cannot say that a pixel is {form.aspect} times"
            " as wide as high; players will show it narrower: write a .mp4 or .mov"
        )
    if form.colour.transfer in _HDR:
        notes.append(f"{path}: HDR is kept, its mastering metadata is not carried over")
    return notes
