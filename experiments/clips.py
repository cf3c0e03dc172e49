"""Clips to score: a folder of videos or of frame folders, or shards, whole or by lists.

Every clip is cropped at its top left corner to multiples of 16, so that its LR and its
SLR have whole sizes.
"""

import functools
import pathlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from adavsr_jax import data, manifests, video
from experiments import cli, stamps

CROP = 16
_EXPECTED = (
    "expected --clips=DIR with a video file or a folder of frames for each clip "
    "(DIR/city.mkv, DIR/city/0001.png), or --clips=SHARDS:SPLIT with shards from "
    "data_prep.build_shards"
)


class Clip(NamedTuple):
    """One clip with the truth of it.

    Attributes:
      name: unique among the clips. where: for messages.
      group: the list that names it, empty if there are no lists.
      stamp: says whether what lies there has changed (`stamps`).
      read: gives its frames, uint8 `[T, H, W, 3]`, uncropped.
    """

    name: str
    where: str
    group: str
    stamp: str
    read: Callable[[], np.ndarray]


def find(source: str | None, lists: list[str]) -> list[Clip]:
    """The clips of `source`, in the order of their names or of the lists.

    Args:
      source: a folder of videos or frame folders, or `SHARDS:SPLIT`.
      lists: text files with a clip's name a line, as Vimeo-90K's slow, medium and fast
        sets are published; a clip's group is the file's name up to its first `_`.
        None of them: all clips.

    Raises:
      InputError: nothing there, of another layout, or a list names what is not there.
      ValueError: damaged shards.
    """
    if not source:
        raise cli.InputError(f"--clips is missing: {_EXPECTED}")
    folder, split = _parts(source)
    found = _in_folder(source) if split is None else _in_shards(folder, split)
    if not lists:
        return list(found.values())
    return [clip for path in lists for clip in _listed(path, found, source)]


def place(source: str) -> str:
    """`source` as it is named from anywhere."""
    folder, split = _parts(source)
    place = str(pathlib.Path(folder).resolve())
    return place if split is None else f"{place}:{split}"


def read(clip: Clip) -> np.ndarray:
    """The clip, uint8 `[T, H, W, 3]`, cropped; an InputError if it is too small."""
    frames = clip.read()
    height, width = (size - size % CROP for size in frames.shape[1:3])
    if not height or not width:
        raise cli.InputError(
            f"{clip.where}: {frames.shape[1]} x {frames.shape[2]} pixels are smaller "
            f"than {CROP} x {CROP}"
        )
    return frames[:, :height, :width]


def _parts(source):
    """`(shards, split)`, or `(source, None)` where it names no shards."""
    folder, _, split = source.rpartition(":")
    if folder and (pathlib.Path(folder) / manifests.FILE).is_file():
        return folder, split
    return source, None


def _in_folder(source):
    folder = pathlib.Path(source)
    if not folder.is_dir():
        raise cli.InputError(f"--clips={source}: no such folder; {_EXPECTED}")
    paths = [path for path in sorted(folder.iterdir()) if video.is_media(path)]
    if not paths:
        raise cli.InputError(f"--clips={source}: holds no clips; {_EXPECTED}")
    clips = {}
    for path in paths:
        name = path.stem if path.is_file() else path.name
        if name in clips:
            raise cli.InputError(f"--clips={source}: two clips have the name {name}")
        decode = functools.partial(_decode, path)
        clips[name] = Clip(name, str(path), "", stamps.of(path), decode)
    return clips


def _decode(path):
    return np.stack(list(video.frames(path)))


def _in_shards(folder, split):
    shards = data.shards(folder, split)
    stamp = stamps.of(pathlib.Path(folder) / manifests.FILE)
    return {
        name: Clip(
            name,
            shards.describe(index),
            "",
            stamp,
            functools.partial(shards.__getitem__, index),
        )
        for index, name in enumerate(shards.ids)
    }


def _listed(path, found, source):
    try:
        lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise cli.InputError(
            f"--lists={path}: cannot be read as a text file with a clip's name a line"
        ) from error
    # One that stands there twice would count twice in the means.
    names = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not names:
        raise cli.InputError(f"--lists={path}: names no clip")
    for name in names:
        if name not in found:
            raise cli.InputError(
                f"--lists={path}: names {name}, which --clips={source} does not hold"
            )
    group = pathlib.Path(path).stem.partition("_")[0]
    return [found[name]._replace(group=group) for name in names]
