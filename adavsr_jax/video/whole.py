"""Frames from and to video files and folders of pictures. Host side; no JAX.

Everything here speaks `uint8 [H, W, 3]` RGB, full range.

Colours are read as `colour` says; video deeper than 8 bits is rounded to 8. What is
written is BT.709, limited range, and tagged so.
"""

import dataclasses
import fractions
import os
import pathlib
import shutil
from collections.abc import Iterable, Iterator

import av
import numpy as np

from adavsr_jax import code_depths, pictures
from adavsr_jax.video import colour, decoding, formats, kinds, reading, writing

VIDEOS = (".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4v", ".mpg", ".ts", ".y4m")
FOLDER_RATE = reading.FOLDER_RATE


@dataclasses.dataclass(frozen=True)
class Clip:
    """A whole video in memory.

    Attributes:
      frames: `uint8 [T, H, W, 3]`, RGB.
      rate: frames per second; `FOLDER_RATE` for a folder of pictures.
      notes: lines a person should see: a file shorter than it promises, sound that
        is not carried over.
    """

    frames: np.ndarray
    rate: fractions.Fraction
    notes: tuple[str, ...] = ()


def is_media(path: str | os.PathLike) -> bool:
    """Whether `path` is a video file by its suffix, or directly holds pictures."""
    path = pathlib.Path(path)
    if path.is_dir():
        return bool(pictures.listing(path))
    return pictures.is_one_of(path, VIDEOS)


def frames(path: str | os.PathLike) -> Iterator[np.ndarray]:
    """Yields `uint8 [H, W, 3]` RGB frames of a video file or a folder of pictures.

    Video is turned upright by its rotation tag; what `pictures` says holds for stills.

    Raises:
      FileNotFoundError: there is nothing at `path`.
      ValueError: a file that cannot be decoded, or frames of different sizes (the
        first odd one is named).
    """
    with reading.open_source(path) as source:
        yield from _undamaged(source)


def read(path: str | os.PathLike) -> Clip:
    """Reads a video file or a folder of pictures whole; raises as `frames` does."""
    path = pathlib.Path(path)
    with reading.open_source(path) as source:
        stacked = np.stack(list(_undamaged(source)))
        rate, notes = source.info.rate, source.notes
    if path.is_file():
        with decoding.open_container(path) as container:
            if container.streams.audio:
                notes = [*notes, f"{path}: its sound is not carried over"]
    return Clip(stacked, rate, tuple(notes))


def check_output(path: str | os.PathLike, *, overwrite: bool = False) -> None:
    """Raises before any work is done if `write` could not, or may not, write `path`.

    Raises:
      ValueError: an unknown suffix; something stands there and `overwrite` is false;
        a folder holds anything but frames that `write` made.
      OSError: the place cannot be written.
    """
    path = pathlib.Path(path)
    suffix = path.suffix.lower()
    if suffix and suffix not in formats.CONTAINERS:
        raise ValueError(
            f"{path}: cannot write {suffix} files; use"
            f" {', '.join(formats.CONTAINERS)}, or a path without a suffix for a folder"
            " of PNG files"
        )
    if path.exists():
        if path.is_dir() == bool(suffix):
            found = "folder" if path.is_dir() else "file"
            raise ValueError(f"{path}: is a {found}; choose another name")
        if path.is_dir() and not pictures.are_ours(path):
            raise ValueError(
                f"{path}: holds files that are not numbered frames, so it is not"
                " replaced; choose another folder"
            )
        if not overwrite and (suffix or any(path.iterdir())):
            raise ValueError(f"{path}: exists already; add --overwrite to replace it")
    parent = next(folder for folder in path.absolute().parents if folder.exists())
    if not parent.is_dir():
        raise NotADirectoryError(f"{path}: {parent} is not a folder")
    if not os.access(parent, os.W_OK):
        raise PermissionError(f"{path}: {parent} cannot be written to")


def write(
    path: str | os.PathLike,
    frames: Iterable[np.ndarray],
    rate: fractions.Fraction,
    *,
    overwrite: bool = False,
) -> int:
    """Writes frames to a video file, or to a folder of PNGs if there is no suffix.

    Video is H.264 (`.mp4 .m4v .mov .mkv`) or VP9 (`.webm`), 4:2:0 and near lossless.
    Pictures are `000000.png`, `000001.png`, ... The result is made beside `path`
    (`NAME.part`) and renamed: on failure nothing of it stays.

    Args:
      path: where to; missing parents are made.
      frames: `uint8 [H, W, 3]` each, RGB, all of one size; even for a video.
      rate: frames per second; not used for a folder.
      overwrite: replace what stands at `path`.

    Returns:
      How many frames were written.

    Raises:
      ValueError, OSError: as `check_output`; or frames of unequal or odd size.
    """
    path = pathlib.Path(path)
    check_output(path, overwrite=overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    if part.is_dir() and not pictures.are_ours(part):
        raise ValueError(f"{part}: is in the way and not of our making; rename it")
    _remove(part)
    frames = _one_size(frames)
    try:
        if path.suffix:
            count = _encode(part, path, frames, rate)
        else:
            count = pictures.write(part, frames)
        if not count:
            raise ValueError(f"{path}: there are no frames to write")
        if path.is_dir():  # check_output saw to it that all in it is ours
            _remove(path)
        part.replace(path)
    except av.FFmpegError as error:
        raise OSError(f"{path}: could not be written ({error})") from error
    finally:
        _remove(part)
    return count


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _undamaged(source):
    """Frames at 8 bits; a damaged file is refused, as it must not be measured by."""
    for count, frame in enumerate(source):
        if source.damage.failed:
            raise ValueError(
                f"{source.path}: decoding fails after {count} frames ({source.damage})"
            )
        yield code_depths.to_8_bits(frame.pixels)
    if source.damage.failed:
        raise ValueError(f"{source.path}: decoding fails at the end ({source.damage})")


def _one_size(frames):
    first = None
    for count, frame in enumerate(frames):
        first = frame if first is None else first
        if frame.shape != first.shape:
            raise ValueError(
                f"frame {count} is {pictures.size(frame)} but the first is"
                f" {pictures.size(first)}"
            )
        yield frame


def _encode(part, path, frames, rate):
    stream, count = None, 0
    container_name = formats.CONTAINERS[path.suffix.lower()]
    with av.open(kinds.url(part), "w", format=container_name) as container:
        for rgb in frames:
            if stream is None:
                form = _format(path, rgb, rate)
                stream = formats.add_stream(container, form)
            container.mux(stream.encode(writing.picture(rgb, form)))
            count += 1
        if stream is not None:
            container.mux(stream.encode())
    return count


def _format(path, rgb, rate):
    """What `formats` chooses for pictures of this size."""
    height, width = rgb.shape[:2]
    info = kinds.Info(
        height=height,
        width=width,
        bits=8,
        chroma="rgb",
        colour=colour.of_pictures(height),
        aspect=fractions.Fraction(1),
        rate=fractions.Fraction(rate) / 2,  # a format is for results, of twice the rate
        time_base=fractions.Fraction(2) / rate,
        count=None,
    )
    return formats.choose(path, info, height=height, width=width)[0]
