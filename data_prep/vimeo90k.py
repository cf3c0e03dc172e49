"""Vimeo-90K septuplets: `sequences/00001/0001/im1.png` .. `im7.png` and two lists.

Departure: the paper does not say what it validates on. The last folder of the
training list is held out for it, so that nothing is chosen by what is scored: a whole
folder, for neighbours may be of one video.
"""

import functools
import pathlib

import numpy as np

from adavsr_jax import video
from data_prep import splits

NUM_FRAMES = 7

_LISTS = {"train": "sep_trainlist.txt", "test": "sep_testlist.txt"}
_NAMES = [f"im{number}.png" for number in range(1, NUM_FRAMES + 1)]


def read(source):
    """Finds the official splits of the septuplet release, and one to validate on.

    Args:
      source: the folder that holds `sequences` and the two lists.

    Returns:
      dict with `train`, `val` and `test`, each a `splits.Split`; ids are the lines of
      the lists, in their order, `val` those of the last folder that the training list
      names. There is no `val` where it names one folder alone.

    Raises:
      ValueError: a list or frame is missing, or a list names no or the same clip
        twice. Frames are looked for before any is read.
    """
    source = pathlib.Path(source)
    train, test = (_ids(source, name) for name in _LISTS.values())
    folder = lambda clip_id: clip_id.rpartition("/")[0]
    held_out = max(map(folder, train))
    ids = {
        "train": [clip_id for clip_id in train if folder(clip_id) != held_out],
        "val": [clip_id for clip_id in train if folder(clip_id) == held_out],
        "test": test,
    }
    if not ids["train"]:
        ids = {"train": train, "test": test}
    return {name: _split(source, chosen) for name, chosen in ids.items()}


def _ids(source, list_name):
    """The clips that a list names, all their frames there."""
    path = source / list_name
    if not path.is_file():
        raise ValueError(
            f"{path} is missing: expected Vimeo-90K's septuplet release, with "
            f"sequences/, {' and '.join(_LISTS.values())}"
        )
    ids = path.read_text(encoding="utf-8").split()
    if not ids or len(set(ids)) < len(ids):
        raise ValueError(f"{path} names no clip, or one clip twice")
    for clip_id in ids:
        for frame in _frames(source, clip_id):
            if not frame.is_file():
                raise ValueError(f"{frame} is missing: {list_name} names {clip_id}")
    return ids


def _split(source, ids):
    return splits.Split(
        ids, functools.partial(_clips, source), functools.partial(_frames, source)
    )


def _frames(source, clip_id):
    return [source / "sequences" / clip_id / name for name in _NAMES]


def _clips(source, ids, dropped):
    del dropped  # none is left out
    for clip_id in ids:
        clip = np.stack(list(video.frames(source / "sequences" / clip_id)))
        if len(clip) != NUM_FRAMES:
            raise ValueError(
                f"{source / 'sequences' / clip_id} holds {len(clip)} pictures, "
                f"expected {NUM_FRAMES}: {_NAMES[0]} .. {_NAMES[-1]}"
            )
        yield clip_id, clip
