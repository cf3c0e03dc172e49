"""Small video files of a test's own making, by PyAV alone."""

import fractions

import av
import numpy as np

from adavsr_jax import video

NTSC = fractions.Fraction(30000, 1001)
QUIET = {"libx265": {"x265-params": "log-level=none"}}


def noise(count, height=32, width=48, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def encode(path, clip, codec="libx264", pix_fmt="yuv420p", *, times=None, **more):
    """A file of `clip`: uint8 pictures, or frames; `times` in units of 1/90000 s.

    `prepare(stream)` runs before the first frame; `options` are the encoder's, `muxer`
    the container's.
    """
    options = {**QUIET.get(codec, {}), **more.get("options", {})}
    muxer = more.get("muxer", {})
    with av.open(str(path), "w", container_options=muxer) as container:
        stream = container.add_stream(codec, rate=NTSC, options=options)
        stream.pix_fmt = pix_fmt
        more.get("prepare", lambda stream: None)(stream)
        if times is not None:
            stream.codec_context.time_base = fractions.Fraction(1, 90000)
        for number, frame in enumerate(clip):
            if isinstance(frame, np.ndarray):
                frame = av.VideoFrame.from_ndarray(frame).reformat(format=pix_fmt)
            if not number:
                stream.height, stream.width = frame.height, frame.width
            if times is not None:
                frame.pts, frame.time_base = times[number], fractions.Fraction(1, 90000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def card(pix_fmt, codes, size=64):
    """A frame of one colour: a code for each plane."""
    frame = av.VideoFrame(size, size, pix_fmt)
    dtype = np.uint8 if frame.format.components[0].bits == 8 else np.uint16
    for plane, code in zip(frame.planes, codes, strict=True):
        values = np.full(plane.buffer_size // dtype().itemsize, code, dtype)
        plane.update(values.tobytes())
    return frame


def tag(**tags):
    """For `encode(prepare=...)`."""

    def prepare(stream):
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)

    return prepare


def read(path):
    with video.open_source(path) as source:
        return source, list(source)
