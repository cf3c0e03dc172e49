"""Any folder of video files or of folders of frames -> clips of few frames.

Each video is cut into shots, each shot into clips that follow one another without
overlap; what is left at the end of a shot is dropped, and so is what does not move.
"""

import functools
import pathlib

import numpy as np

from adavsr_jax import pictures, shots, video
from data_prep import splits, walking

# Mean change from frame to frame, in code values, below which a clip is static.
_STATIC = 0.5


def read(source, *, frames, min_size):
    """Finds the videos in a folder; none is read before its clips are asked for.

    Args:
      source: a folder; video files and folders that hold pictures are looked for at
        any depth, see `walking`.
      frames: length of a clip.
      min_size: pixels. Videos whose shorter side is smaller are dropped.

    Returns:
      `splits.Split`, a video a part; an id is `<path in source>#<index of first
      frame>`.

    Raises:
      ValueError: no video there, or one that cannot be named.
    """
    source = pathlib.Path(source)
    # A folder that holds pictures may hold other media too.
    media = [path for path in walking.below(source) if video.is_media(path)]
    if not media:
        hint = " (it is one itself: give the one above)" * video.is_media(source)
        raise ValueError(
            f"{source} holds no video file and no folder of pictures{hint}"
        )
    return splits.Split(
        [walking.name(path, source) for path in media],
        functools.partial(_clips, source, frames, min_size),
        functools.partial(_files, source),
        one_each=False,
    )


def _files(source, name):
    path = source / name
    return pictures.listing(path) if path.is_dir() else [path]


def _clips(source, num_frames, min_size, names, dropped):
    for name in names:
        shot, frames = [], video.frames(source / name)
        for index, (frame, starts) in enumerate(shots.mark(frames)):
            if min(frame.shape[:2]) < min_size:
                dropped[f"videos with a side below {min_size} pixels"] += 1
                break
            if starts:
                _count_rest(shot, dropped)
                shot = []
            shot.append(frame)
            if len(shot) < num_frames:
                continue
            clip, shot = np.stack(shot), []
            if shots.is_static(clip, _STATIC):
                dropped["static clips"] += 1
            else:
                yield f"{name}#{index + 1 - num_frames}", clip
        else:
            _count_rest(shot, dropped)


def _count_rest(shot, dropped):
    if shot:
        dropped["frames left at the end of a shot"] += len(shot)
