"""Frames into a segment: one file that is either whole or not there.

A segment is Matroska, whatever container it will be joined into, since that holds
every codec. Its frames are numbered, not timed: `joining.join` gives times.
"""

import contextlib
import fractions
import os
import pathlib

import av
import numpy as np

from adavsr_jax import yuv
from adavsr_jax.video import formats, kinds

# Frames lie so far apart in a segment, whatever their rate: Matroska counts
# milliseconds, and numbers must come back exactly.
_SPACING = fractions.Fraction(1, 100)


class Encoder:
    """Writes one segment; a context manager that discards it on an exception.

    What stands at `path` is whole: until `close` the segment is `NAME.tmp`. The same
    frames in the same format give the same bytes, and every segment of a format the
    same codec header.
    """

    def __init__(self, path: str | os.PathLike, form: formats.Format):
        """Opens a segment; its folder must exist.

        Raises:
          OSError: the place cannot be written.
        """
        self._path, self._form, self._count = pathlib.Path(path), form, 0
        self._part = self._path.with_name(self._path.name + ".tmp")
        try:
            self._container = av.open(kinds.url(self._part), "w", format="matroska")
            self._container.flags |= av.container.Flags.bitexact.value
            self._stream = formats.add_stream(self._container, form)
            self._container.start_encoding()  # a file that cannot be is known now
        except av.FFmpegError as error:
            raise _failed(self._path, error) from error

    def write(self, pixels: np.ndarray) -> None:
        """Encodes the next frame.

        Args:
          pixels: uint8 or uint16 `[H, W, 3]`, RGB, full range.

        Raises:
          ValueError: a frame of another size.
          OSError: the disk is full, or the encoder fails.
        """
        frame = picture(pixels, self._form)
        frame.pts, frame.time_base = self._count, 1 / self._form.rate
        try:
            self._mux(frame)
        except av.FFmpegError as error:
            raise _failed(self._path, error) from error
        self._count += 1

    def close(self) -> int:
        """Ends the segment, which stands whole at `path` from here on.

        Returns:
          How many frames it holds.

        Raises:
          ValueError: none were written.
          OSError: the disk is full.
        """
        if not self._count:
            self.discard()
            raise ValueError(f"{self._path}: there are no frames to write")
        try:
            self._mux(None)
            self._container.close()
            with self._part.open("rb") as written:
                os.fsync(written.fileno())
            self._part.replace(self._path)
        except (av.FFmpegError, OSError) as error:
            self.discard()
            raise _failed(self._path, error) from error
        return self._count

    def discard(self) -> None:
        """Leaves nothing of an unfinished segment."""
        # The trailer may fail as the frames before it did: nobody will read it.
        with contextlib.suppress(av.FFmpegError):
            self._container.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.close()
        else:
            self.discard()

    def _mux(self, frame):
        for packet in self._stream.encode(frame):
            packet.time_base = _SPACING
            packet.duration = 1
            self._container.mux(packet)


def picture(pixels: np.ndarray, form: formats.Format) -> av.VideoFrame:
    """A frame as the encoder wants it: converted in floating point, and tagged.

    Args:
      pixels: uint8 or uint16 `[H, W, 3]`, RGB, full range.
      form: what to convert to.

    Raises:
      ValueError: a frame of another size.
    """
    if pixels.shape != (form.height, form.width, 3):
        height, width = pixels.shape[:2]
        raise ValueError(
            f"a frame is {width} x {height}, expected {form.width} x {form.height}"
        )
    frame = av.VideoFrame(form.width, form.height, form.pixel_format)
    planes = yuv.planes_from_rgb(
        pixels,
        form.colour.matrix,
        bits=form.bits,
        full_range=form.colour.full_range,
        chroma=form.chroma,
        centred=form.codec == "mjpeg",
    )
    for plane, codes in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(plane, codes.dtype).reshape(plane.height, -1)
        rows[:, : plane.width] = codes
    frame.colorspace = form.colour.matrix
    frame.color_primaries = form.colour.primaries
    frame.color_trc = form.colour.transfer
    frame.color_range = 2 if form.colour.full_range else 1
    return frame


def _failed(path, error):
    return OSError(f"{path}: could not be written ({error.strerror or error})")
