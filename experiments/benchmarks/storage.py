"""Forms in which a clip may be stored: bytes of it, and the clip again.

A clip is uint8 `[T, H, W, 3]`. The libraries' own code packs and unpacks, each on one
thread.
"""

import functools
import io
from collections.abc import Callable
from typing import Any, NamedTuple

import av
import numpy as np
from PIL import Image

from adavsr_jax import records


class Form(NamedTuple):
    """`unpack(pack(clip))` is the clip, or looks like it; `pack` gives bytes or a list.

    A list has the bytes of each frame, as files would.
    """

    name: str
    pack: Callable[[np.ndarray], Any]
    unpack: Callable[[Any], np.ndarray]


def forms() -> list[Form]:
    """All of them, ours first; QOI only where Pillow writes it."""
    Image.init()
    found = [
        Form("ours", records.encode, records.decode),
        _pictures("PNG"),
        _pictures("WebP, lossless", "WEBP", lossless=True, quality=0),
        _pictures("JPEG, quality 95", "JPEG", quality=95, subsampling=0),
        _video("FFV1", "ffv1", "bgr0"),
        _video("H.264, lossless", "libx264rgb", "rgb24", qp="0", preset="veryfast"),
        _video("H.264, CRF 18", "libx264", "yuv420p", crf="18"),
    ]
    return found + ([_pictures("QOI")] if "QOI" in Image.SAVE else [])


def _pictures(name, kind=None, **options):
    def pack(clip):
        frames = []
        for frame in clip:
            buffer = io.BytesIO()
            Image.fromarray(frame).save(buffer, kind or name, **options)
            frames.append(buffer.getvalue())
        return frames

    open_ = lambda data: np.asarray(Image.open(io.BytesIO(data)))
    return Form(name, pack, lambda frames: np.stack([open_(data) for data in frames]))


def _video(name, codec, pixels, **options):
    pack = functools.partial(_encode, codec=codec, pixels=pixels, options=options)
    return Form(name, pack, _decode)


def _encode(clip, codec, pixels, options):
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as file:
        stream = file.add_stream(codec, rate=24, options=options)
        stream.height, stream.width = clip.shape[1:3]
        stream.pix_fmt = pixels
        for frame in clip:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode())
    return buffer.getvalue()


def _decode(data):
    with av.open(io.BytesIO(data)) as file:
        stream = file.streams.video[0]
        stream.codec_context.thread_count = 1
        return np.stack([f.to_ndarray(format="rgb24") for f in file.decode(stream)])
