"""A video file or a folder of pictures, frame by frame as it streams by.

Frames bear the times that the file gives them, as exact fractions, and these are not
shifted: the first frame's time need not be zero, as sound may begin before it.
"""

import fractions
import itertools
import math
import os
import pathlib
from collections.abc import Iterator

import av
import numpy as np

from adavsr_jax import pictures
from adavsr_jax.video import colour, decoding, kinds, times, turning

FOLDER_RATE = fractions.Fraction(24)


class Source:
    """Frames to come, and what is known before; a context manager. See `open_source`.

    Attributes:
      path: the file or folder.
      info: what is known of all frames.
      notes: lines a person should see; those on damage come with the last frame, or
        when `conclude` is called.
      damage: what decoding has met so far.
    """

    path: pathlib.Path
    info: kinds.Info

    def __init__(self, path: pathlib.Path):
        self.path = path
        self.notes: list[str] = []
        self.damage = decoding.Damage()
        self._frames: Iterator[kinds.Frame] = iter(())

    def __iter__(self) -> Iterator[kinds.Frame]:
        """The one pass through the frames; asked again, it goes on where it was."""
        return self._frames

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def conclude(self) -> None:
        """Notes what was met so far, for who does not read on to the end."""

    def close(self) -> None:
        """Lets go of the file; no frames come after."""
        self._frames = iter(())


def open_source(path: str | os.PathLike) -> Source:
    """Opens a video file or a folder of pictures, and decodes its first frame.

    Iterating then gives `kinds.Frame`s, upright, with strictly rising times; no more of
    them are held than the decoder needs. Damaged stretches of a file are passed over
    and told of in `notes`, as are a file cut short and times that had to be mended.
    Picture i of a folder has the time i / `FOLDER_RATE`.

    Raises:
      OSError: there is nothing at `path`, or it may not be read.
      ValueError: no video, no pictures in it, none that can be decoded, or colours that
        `colour.of_frame` refuses. While iterating: a frame of another size (both sizes
        are named), or a picture of a folder that cannot be read.
    """
    path = pathlib.Path(path)
    return _Folder(path) if path.is_dir() else _File(path)


def frames_near(path: str | os.PathLike, share: float, count: int) -> list[np.ndarray]:
    """Up to `count` frames in a row, from the keyframe before a place on.

    Args:
      path: as in `open_source`, and the frames as there: `[h, w, 3]`.
      share: the place, as a share of the duration, 0 to 1. If the file cannot be
        entered there, its first frames are given.
      count: at least 1.

    Raises:
      ValueError, OSError: as `open_source`.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        files = pictures.listing(path)
        first = max(0, min(int(share * len(files)), len(files) - count))
        near = [pictures.read(file) for file in files[first : first + count]]
        return near or list(pictures.frames(path))  # which refuses an empty folder
    try:
        with _File(path, share) as source:
            return [frame.pixels for frame in itertools.islice(source, count)]
    except ValueError:
        with _File(path) as source:
            return [frame.pixels for frame in itertools.islice(source, count)]


class _Folder(Source):
    def __init__(self, path):
        super().__init__(path)
        folder = pictures.open_folder(path)
        self.info = kinds.Info(
            height=folder.height,
            width=folder.width,
            bits=folder.bits,
            chroma="grey" if folder.grey else "rgb",
            colour=colour.of_pictures(folder.height),
            aspect=fractions.Fraction(1),
            rate=FOLDER_RATE,
            time_base=1 / FOLDER_RATE,
            count=folder.count,
            alpha=folder.alpha,
        )
        self._frames = (
            kinds.Frame(pixels, number / FOLDER_RATE, alpha)
            for number, (pixels, alpha) in enumerate(folder)
        )


class _File(Source):
    def __init__(self, path, share=0.0):
        super().__init__(path)
        self._container = decoding.open_container(path)
        try:
            self._stream = decoding.pictures_of(self._container, path)
            if share:
                self._enter(share)
            self._decoded = decoding.frames(self._container, self._stream, self.damage)
            first = next(self._decoded, None)
            if first is None:
                found = f" ({self.damage})" if self.damage else ""
                raise ValueError(f"{path}: no frame could be decoded from it{found}")
            self.info = _info(self._stream, first, path)
            self._clock = times.Clock(self._stream, self.info.rate)
            self._count, self._concluded = 0, False
            if any(part.is_alpha for part in first.format.components):
                self.notes.append(f"{path}: its alpha channel is dropped")
            if first.interlaced_frame:
                self.notes.append(
                    f"{path}: is interlaced, each frame of two moments, but is taken as"
                    " if of one, and moving edges stay combs; deinterlace it first, as"
                    " by ffmpeg -vf bwdif"
                )
            self._frames = self._convert(itertools.chain([first], self._decoded))
        except BaseException:
            self._container.close()
            raise

    def close(self):
        super().close()
        try:
            self._decoded.close()
        except ValueError:
            # A thread is inside of it still, on a disk that hangs: what it reads from
            # ends with the process, and why we close is what has to be heard.
            return
        self._container.close()

    def _enter(self, share):
        """Goes to the keyframe before a share of the duration."""
        place = (self._stream.start_time or 0) * self._stream.time_base
        place += fractions.Fraction(share) * (times.duration(self._stream) or 0)
        try:
            self._container.seek(
                int(place / self._stream.time_base), stream=self._stream
            )
        except av.FFmpegError as error:
            raise ValueError(f"{self.path}: cannot seek ({error})") from error

    def _convert(self, decoded):
        size = f"{self.info.width} x {self.info.height}"
        for frame in decoded:
            tags = colour.of_frame(frame, self.path)
            pixels = colour.rgb(frame, tags, self.info.bits)
            pixels = turning.upright(pixels, turning.of_frame(frame))
            if pictures.size(pixels) != size:
                raise ValueError(
                    f"{self.path}: frame {self._count} is {pictures.size(pixels)} but"
                    f" the first is {size}; re-encode it at one size"
                )
            self._count += 1
            yield kinds.Frame(pixels, self._clock.time(frame))
        self.conclude()
        self._look_at_the_end()

    def conclude(self):
        if self._concluded:
            return
        self._concluded, clock, count = True, self._clock, self._count
        if clock.mended:
            self.notes.append(
                f"{self.path}: {clock.mended} of {count} frames had no time of their"
                " own, or one before its turn; they follow at the nominal rate"
            )
        told = [str(self.damage)] if self.damage else []
        # Many gaps are the habit of a file of variable rate; few are holes.
        if 0 < 20 * clock.gaps < count:
            told.append(
                f"by the times of the others, {clock.lost} missing ({clock.gaps} gaps)"
            )
        if told:
            self.notes.append(f"{self.path}: {'; '.join(told)}")

    def _look_at_the_end(self):
        promised, ends = times.promised(self._stream), self._clock.end()
        if promised and promised - ends > max(0.25, 2 / self.info.rate):
            self.notes.append(
                f"{self.path}: pictures end after {float(ends):.2f} s"
                f" ({self._count} frames) but the file promises"
                f" {float(promised):.2f} s; it may be cut short"
            )


def _info(stream, first, path):
    tags = colour.of_frame(first, path)
    chroma, bits = colour.layout(first.format)
    matrix = turning.of_frame(first)
    height, width = (
        (first.width, first.height) if matrix[1] else (first.height, first.width)
    )
    rate = fractions.Fraction(stream.average_rate or stream.guessed_rate or FOLDER_RATE)
    duration = times.duration(stream)
    return kinds.Info(
        height=height,
        width=width,
        bits=bits,
        chroma=chroma,
        colour=tags,
        aspect=turning.upright_aspect(stream.sample_aspect_ratio, matrix),
        rate=rate,
        time_base=stream.time_base,
        count=stream.frames or (math.ceil(duration * rate) if duration else None),
    )
