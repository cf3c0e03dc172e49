"""A piece of a video file, encoded by itself: whole if it is there."""

import contextlib
import os
import pathlib

import av
import numpy as np

from adavsr_jax import yuv
from adavsr_jax.video import colour, formats

_LIMITED, _FULL = 1, 2  # FFmpeg's numbers of ranges


class Encoder:
    """Encodes frames to a Matroska file; a context manager.

    Frames are numbered at the nominal rate: `joining.join` gives them their times. The
    file is made beside its path and renamed when it is closed.

    Attributes:
      count: frames so far.
    """

    def __init__(self, path: str | os.PathLike, form: formats.Format):
        """Opens the encoder; an OSError where the file cannot be made."""
        self.count, self._form = 0, form
        self._path = pathlib.Path(path)
        self._part = self._path.with_name(f"{self._path.name}.tmp")
        try:
            self._container = av.open(str(self._part), "w", format="matroska")
        except av.FFmpegError as error:
            raise _told(self._path, error) from error
        self._stream = self._container.add_stream(
            form.codec, rate=form.rate, options=dict(form.options)
        )
        _describe(self._stream, form)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.close()
        else:
            self.discard()

    def write(self, pixels: np.ndarray) -> None:
        """Encodes a frame `[H, W, 3]`, uint8 or uint16 RGB, full range.

        Raises:
          ValueError: of another size. OSError: it cannot be written.
        """
        if pixels.shape != (self._form.height, self._form.width, 3):
            raise ValueError(
                f"{self._path}: a frame is {pixels.shape[1]} x {pixels.shape[0]}, not"
                f" {self._form.width} x {self._form.height}"
            )
        frame = _frame(pixels, self._form)
        frame.pts, frame.time_base = self.count, 1 / self._form.rate
        self._mux(frame)
        self.count += 1

    def close(self) -> int:
        """Finishes the file and gives it its name; the number of frames."""
        try:
            self._mux(None)
            self._container.close()
            with self._part.open("rb+") as file:
                os.fsync(file.fileno())
        except av.FFmpegError as error:
            raise _told(self._path, error) from error
        self._part.replace(self._path)
        return self.count

    def discard(self) -> None:
        """Leaves nothing behind."""
        # A full disk, as a rule, and the file is not wanted.
        with contextlib.suppress(av.FFmpegError, OSError):
            self._container.close()
        self._part.unlink(missing_ok=True)

    def _mux(self, frame):
        try:
            self._container.mux(self._stream.encode(frame))
        except av.FFmpegError as error:
            raise _told(self._path, error) from error


def _told(path, error):
    return OSError(f"{path}: could not be written ({error.strerror})")


def _describe(stream, form):
    context = stream.codec_context
    stream.height, stream.width, stream.pix_fmt = (
        form.height,
        form.width,
        form.pixel_format,
    )
    context.sample_aspect_ratio = form.aspect
    tags = form.colour
    context.colorspace, context.color_primaries = tags.matrix, tags.primaries
    context.color_trc = tags.transfer
    context.color_range = _FULL if tags.full_range else _LIMITED


def _frame(pixels, form):
    """An `av.VideoFrame` in the format's pixel format, converted in floating point."""
    tags = form.colour
    if form.codec == "ffv1":
        if form.bits == 8:
            pixels = colour.to_8_bits(pixels)
        frame = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(pixels),
            format="rgb24" if form.bits == 8 else "rgb48le",
        )
    else:
        planes = yuv.from_rgb(
            pixels, tags.matrix, full_range=tags.full_range, bits=form.bits
        )
        whole = "yuvj444p" if form.pixel_format.startswith("yuvj") else "yuv444p"
        name = whole if form.bits == 8 else f"yuv444p{form.bits}le"
        frame = _filled(planes, name)
    # Tagged before it is scaled: else swscale may take the ranges for different ones.
    frame.color_range = _FULL if tags.full_range else _LIMITED
    frame.colorspace, frame.color_primaries = tags.matrix, tags.primaries
    frame.color_trc = tags.transfer
    if frame.format.name != form.pixel_format:
        frame = frame.reformat(format=form.pixel_format, threads=1)
    return frame


def _filled(planes, name):
    """A frame of a planar format: PyAV fills deep ones from no array."""
    frame = av.VideoFrame(planes.shape[2], planes.shape[1], name)
    for plane, codes in zip(frame.planes, planes, strict=True):
        rows = np.zeros(
            (codes.shape[0], plane.line_size // codes.itemsize), codes.dtype
        )
        rows[:, : codes.shape[1]] = codes
        plane.update(rows)
    return frame
