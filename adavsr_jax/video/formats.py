"""In what form a result is written: container, codec, chroma, depth, colour, clock."""

import dataclasses
import fractions
import io
import os
import pathlib

import av

from adavsr_jax import yuv
from adavsr_jax.video import kinds

# suffix -> container
CONTAINERS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
}
FAMILIES = {
    "h264": "libx264",
    "h265": "libx265",
    "hevc": "libx265",
    "av1": "libsvtav1",
    "vp9": "libvpx-vp9",
    "prores": "prores_ks",
}
# Transfer functions of high dynamic range: PQ and HLG. In 8 bits they show bands.
HDR = (16, 18)
_UNSTATED = 2
_FASTEST = 10**9  # ticks a second of an encoder: libvpx takes no more


@dataclasses.dataclass(frozen=True)
class Format:
    """In what form a video is written.

    Attributes:
      container: FFmpeg's name of it.
      codec: an encoder's name; `options` are its own.
      chroma: `420`, `422` or `444`.
      bits: of a code, 8 or 10.
      height, width: of a frame.
      colour: how frames are converted and tagged.
      aspect: width to height of a pixel.
      rate: frames a second, nominal.
      time_base: seconds; every frame's time is a whole multiple of it.
    """

    container: str
    codec: str
    options: dict[str, str]
    chroma: str
    bits: int
    height: int
    width: int
    colour: kinds.Colour
    aspect: fractions.Fraction
    rate: fractions.Fraction
    time_base: fractions.Fraction

    @property
    def pixel_format(self) -> str:
        """FFmpeg's name of chroma and depth (and of JPEG's range)."""
        name = "yuvj" if self.codec == "mjpeg" else "yuv"
        return f"{name}{self.chroma}p" + ("10le" if self.bits == 10 else "")


@dataclasses.dataclass(frozen=True)
class _Codec:
    """What an encoder holds, and how it is asked for near lossless."""

    options: dict[str, str]
    crf: int | None  # by default; None if it has none
    top: int  # the largest crf
    chroma: tuple[str, ...] = ("420", "422", "444")
    bits: tuple[int, ...] = (8, 10)


# x264: restoring on a CPU wants the cores that encoding takes. Of 64 real frames at
# 1280x720 and crf 14, one core, with conversion (8 ms of it): medium 45 ms a frame,
# 47.6 dB; fast 37, 47.7; veryfast 20, 46.8, and all three within 6 % of one size;
# superfast 14, 48.2, but 60 % larger.
# The number of threads is fixed: an encoder that counts the cores of its machine
# would not give the same frames on another one when it goes on there.
_CODECS = {
    "libx264": _Codec({"preset": "veryfast", "threads": "4"}, 14, 51),
    "libx265": _Codec(
        {"preset": "fast", "x265-params": "log-level=none:pools=4:frame-threads=2"},
        16,
        51,
    ),
    "libsvtav1": _Codec({"preset": "8", "svtav1-params": "lp=4"}, 18, 63, ("420",)),
    "libvpx-vp9": _Codec(
        {"b": "0", "cpu-used": "2", "threads": "4"}, 16, 63, bits=(8,)
    ),
    "prores_ks": _Codec({}, None, 0, ("422", "444"), (10,)),
    "ffv1": _Codec({"level": "3", "g": "1", "slices": "4"}, None, 0),
    # Quality 2 of 31, in FFmpeg's unit of 118 a step.
    "mjpeg": _Codec({"flags": "+qscale", "global_quality": "236"}, None, 0, bits=(8,)),
}


def choose(
    path: str | os.PathLike,
    info: kinds.Info,
    *,
    height: int,
    width: int,
    codec: str | None = None,
    crf: float | None = None,
) -> tuple[Format, list[str]]:
    """The form in which the result of a video is written to `path`, at twice its rate.

    Chroma and depth are the source's where the encoder has them, else the nearest it
    has, which is noted. RGB and grey become 4:2:0, since few players show more; 4:4:4
    in FFV1, which is for keeping.
    By default H.264; in WebM VP9, or AV1 if the source has more than 8 bits.

    Colour is the source's. RGB (pictures, too) becomes limited range BT.709, or BT.2020
    if its primaries say so. JPEG can only be full range BT.601, ProRes only limited.

    Args:
      path: its suffix names the container, a key of `CONTAINERS`.
      info: of the source.
      height, width: of the frames that will be written.
      codec: an encoder or a key of `FAMILIES`.
      crf: the encoder's quality, smaller is better; near lossless by default.

    Returns:
      The format, and lines that a person should see.

    Raises:
      ValueError: an unknown suffix or codec, a codec that the container cannot hold or
        that opens for no such frames, a crf that it does not have, an odd size, or
        high dynamic range in 8 bits.
    """
    path = pathlib.Path(path)
    suffix = path.suffix.lower()
    if suffix not in CONTAINERS:
        raise ValueError(
            f"{path}: cannot write {suffix or 'files without a suffix'}; use"
            f" {', '.join(CONTAINERS)}"
        )
    if codec is None:
        deep = "libsvtav1" if info.bits > 8 else "libvpx-vp9"
        codec = deep if suffix == ".webm" else "libx264"
    name = FAMILIES.get(codec, codec)
    if name not in _CODECS:
        known = ", ".join([*FAMILIES, *_CODECS])
        raise ValueError(f"--codec={codec}: unknown; use one of {known}")
    known = _CODECS[name]
    chroma, bits, notes = _sampling(info, name, known)
    _check_size(path, chroma, height, width)
    colour = _colour(info, name)
    if info.colour.transfer in HDR:
        if bits == 8:
            raise ValueError(
                f"--codec={codec}: holds 8 bits, but the source has high dynamic range"
                f" (transfer {info.colour.transfer}), which needs 10; use"
                f" {'libsvtav1' if suffix == '.webm' else 'libx265'}"
            )
        notes.append(
            "high dynamic range: colour is kept and tagged; light levels of the"
            " mastering display, if the source states any, are not carried over"
        )
    chosen = Format(
        container=CONTAINERS[suffix],
        codec=name,
        options=_options(name, known, crf, chroma, width),
        chroma=chroma,
        bits=bits,
        height=height,
        width=width,
        colour=colour,
        aspect=info.aspect_at(height, width),
        rate=kinds.limited(2 * info.rate, _FASTEST),
        time_base=kinds.limited(info.time_base / 2),
    )
    _try(path, chosen)
    if _loses_aspect(chosen):
        notes.append(
            f"{path}: {suffix} with {name} does not keep that a pixel is"
            f" {chosen.aspect} as wide as high; use another codec, or .mp4 or .mov"
        )
    return chosen, notes


def _sampling(info, name, known):
    otherwise = "444" if name == "ffv1" else "420"
    chroma = info.chroma if info.chroma in ("420", "422", "444") else otherwise
    bits = 8 if info.bits == 8 else 10
    nearest = min(known.chroma, key=lambda c: (c < chroma, abs(int(c) - int(chroma))))
    depth = bits if bits in known.bits else known.bits[0]
    notes = []
    if nearest != chroma:
        notes.append(f"{name} has no chroma {chroma}: it is written as {nearest}")
    if depth < info.bits:
        notes.append(f"{info.bits} bits a code become {depth} ({name})")
    return nearest, depth, notes


def _check_size(path, chroma, height, width):
    odd_height = height % 2 and chroma == "420"
    odd_width = width % 2 and chroma != "444"
    if odd_height or odd_width:
        nearest = f"{width + (width % 2)}x{height + (height % 2)}"
        raise ValueError(
            f"{path}: chroma {chroma} needs even sizes and the frames are"
            f" {width} x {height}; use --size={nearest}, or a folder of PNG files"
        )


def _colour(info, name):
    colour = info.colour
    if info.chroma == "rgb":
        stated = [
            1 if n == _UNSTATED else n for n in (colour.primaries, colour.transfer)
        ]
        matrix = 9 if stated[0] == 9 else yuv.BT709
        colour = kinds.Colour(matrix, *stated, full_range=False)
    if name == "mjpeg":
        colour = dataclasses.replace(colour, matrix=5, full_range=True)
    if name == "prores_ks":
        # The frames' own header knows BT.709, BT.601 and BT.2020.
        matrix = {yuv.BT709: yuv.BT709, 9: 9}.get(colour.matrix, yuv.BT601)
        colour = dataclasses.replace(colour, matrix=matrix, full_range=False)
    return colour


def _options(name, known, crf, chroma, width):
    options = dict(known.options)
    if known.crf is None:
        if crf is not None:
            raise ValueError(f"--crf={crf}: {name} has no crf; leave it out")
    else:
        crf = known.crf if crf is None else crf
        fractions_too = name.startswith("libx26")
        whole = fractions_too or crf % 1 == 0  # not of inf, nor of nan
        if not 0 <= crf <= known.top or not whole:
            raise ValueError(
                f"--crf={crf}: {name} takes {'' if fractions_too else 'whole '}numbers"
                f" from 0 to {known.top}"
            )
        options["crf"] = f"{crf:g}"
    if name == "libx264" and width < 80:
        # At 64 columns (not at 80) its macroblock tree reads memory that nobody set,
        # and the same frames give different bytes.
        options["mbtree"] = "0"
    if name == "prores_ks":
        options["profile"] = "hq" if chroma == "422" else "4444"
    return options


def add_stream(container: av.container.OutputContainer, form: Format) -> av.VideoStream:
    """A stream in `container` whose encoder writes `form`."""
    stream = container.add_stream(
        form.codec, rate=form.rate, options=dict(form.options)
    )
    stream.height, stream.width = form.height, form.width
    stream.pix_fmt = form.pixel_format
    tag(stream.codec_context, form)
    stream.codec_context.time_base = 1 / form.rate
    return stream


def tag(context: av.VideoCodecContext, form: Format) -> None:
    """Sets colour, aspect and rate on a codec context that writes."""
    context.colorspace = form.colour.matrix
    context.color_primaries = form.colour.primaries
    context.color_trc = form.colour.transfer
    context.color_range = 2 if form.colour.full_range else 1
    context.sample_aspect_ratio = form.aspect
    context.framerate = form.rate


def _try(path, form):
    """Opens encoder and container once, in memory: they know best what they refuse."""
    try:
        with av.open(io.BytesIO(), "w", format=form.container) as container:
            add_stream(container, form)
            container.start_encoding()
    except (av.FFmpegError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{path}: cannot hold {form.codec}, {form.pixel_format},"
            f" {form.width} x {form.height}; use another codec or suffix ({error})"
        ) from error


def _loses_aspect(form):
    """Matroska's own field is out of PyAV's reach; some codecs state it in frames."""
    in_frames = form.codec in ("libx264", "libx265", "mjpeg")
    in_container = form.container in ("mp4", "mov")
    return form.aspect != 1 and not in_frames and not in_container
