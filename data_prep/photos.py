"""Still photographs -> clips: a camera pans, zooms and turns over each of them.

The motion is exact, smooth and sub-pixel, and nothing was ever compressed in time.
"""

import collections
import functools
import itertools
import operator
import pathlib
import zlib

import numpy as np
from PIL import Image
from scipy import ndimage

from adavsr_jax import pictures, shots
from data_prep import camera, splits, walking

# Mean change from frame to frame, in code values, below which a clip is static. A
# camera that moves over sky or a wall makes such clips: another path is tried.
_STATIC = 1.0
_NUM_TRIES = 50
# Photographs with less mean luma difference between neighbouring pixels are flat.
_FLAT = 1.0
# The spline's support, mirrored at the border of what is cut out for a clip.
_MARGIN_PIXELS = 12


def read(source, *, frames, size, clips_per_photo, seed):
    """Finds the photographs of a folder.

    Args:
      source: a folder; pictures are looked for at any depth, see `walking`.
      frames: length of a clip.
      size: pixels, height and width of a clip.
      clips_per_photo: how many paths a camera takes over each.
      seed: of the paths, together with each photograph's name.

    Returns:
      `splits.Split`, a clip a part; an id is `<path in source>#<number of the path>`.
      Photographs with a side below 1.25 times `size`, or without detail, are dropped.

    Raises:
      ValueError: no picture there, or one that cannot be read or named.
    """
    source = pathlib.Path(source)
    folders = [source, *(path for path in walking.below(source) if path.is_dir())]
    photos = [path for folder in folders for path in pictures.listing(folder)]
    if not photos:
        raise ValueError(f"{source} holds no picture ({' '.join(pictures.SUFFIXES)})")
    names = {path: walking.name(path, source) for path in photos}
    least, kept, dropped = camera.least_side(size), [], collections.Counter()
    for path in photos:
        photo = pictures.read(path)
        luma = photo.mean(axis=2)
        if min(photo.shape[:2]) < least:
            dropped[f"photos with a side below {least} pixels"] += 1
        elif sum(np.abs(np.diff(luma, axis=axis)).mean() for axis in (0, 1)) < _FLAT:
            dropped["photos without detail"] += 1
        else:
            kept.append(path)
    return splits.Split(
        [(names[path], number) for path in kept for number in range(clips_per_photo)],
        functools.partial(_clips, source, frames, size, seed),
        functools.partial(_file, source),
        dropped=dropped,
    )


def _file(source, path_over):
    return [source / path_over[0]]


def _clips(source, num_frames, size, seed, paths, dropped):
    del dropped  # all that is left out was left out before
    for name, group in itertools.groupby(paths, operator.itemgetter(0)):
        photo = pictures.read(source / name)
        for _, number in group:
            rng = np.random.default_rng([seed, zlib.crc32(name.encode()), number])
            clip = _moving(photo, source / name, rng, num_frames, size)
            yield f"{name}#{number}", clip


def _moving(photo, path, rng, num_frames, size):
    for _ in range(_NUM_TRIES):
        reduction, views = camera.draw(rng, photo.shape[:2], num_frames, size)
        crop, views = _cut_out(photo, reduction, views)
        # Two frames tell in a fraction of the time whether there is anything to see.
        first = render(crop, views[:2])
        if not shots.is_static(first, _STATIC):
            return np.concatenate([first, render(crop, views[2:])])
    raise ValueError(
        f"{path}: no moving clip found in {_NUM_TRIES} tries, the picture is nearly "
        "flat: take it out of the folder"
    )


def _cut_out(photo, reduction, views):
    """The part of the reduced photograph that a path sees, and the path over it.

    Reducing with Lanczos is what keeps the clip free of aliasing: afterwards the
    camera never sees more than one reduced pixel a pixel.
    """
    height, width = photo.shape[:2]
    low = np.floor(views.min(axis=(0, 2, 3))) - _MARGIN_PIXELS
    high = np.ceil(views.max(axis=(0, 2, 3))) + 1 + _MARGIN_PIXELS
    full = np.floor(np.array([height, width]) / reduction)
    low, high = np.maximum(low, 0), np.minimum(high, full)
    top, left, bottom, right = (np.stack([low, high]) * reduction).ravel()
    crop = Image.fromarray(photo).resize(
        tuple((high - low).astype(int)[::-1]),
        Image.Resampling.LANCZOS,
        box=(left, top, right, bottom),
    )
    return np.asarray(crop), views - low[:, None, None]


def render(photo, views):
    """Samples a photograph where a camera looks, by cubic splines.

    Args:
      photo: uint8 `[H, W, 3]`.
      views: float `[T, 2, h, w]`, rows and columns in pixels of the photograph, the
        centre of pixel 0 at 0, at most one pixel apart.

    Returns:
      uint8 `[T, h, w, 3]`, rounded.
    """
    frames = np.empty((len(views), *views.shape[2:], 3), np.uint8)
    for channel in range(3):
        spline = ndimage.spline_filter(photo[..., channel], 3, np.float32, "mirror")
        for frame, view in zip(frames, views, strict=True):
            value = ndimage.map_coordinates(
                spline, view, np.float32, 3, "mirror", prefilter=False
            )
            frame[..., channel] = np.clip(np.rint(value), 0, 255)
    return frames
