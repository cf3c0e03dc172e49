"""Paths of a camera over a still: where each pixel of each frame looks."""

import math

import numpy as np

# Largest speeds, drawn uniformly from 0 (the pan: from _LEAST_PAN) up, and reached
# in the middle of the clip: pixels, radians and log-scale a frame.
_LEAST_PAN, _PAN, _TURN, _ZOOM = 0.5, 6.0, 0.012, 0.015
# Largest change of these speeds per frame, as a share of the largest speed.
_ACCELERATION = 0.12
# The first orientation of the camera, radians either way: horizons stay near level.
_TILT = 0.25
# A still is reduced by this at most before the camera moves over it.
_MOST_REDUCTION = 2.0
# Side of a still against side of a clip: what the slowest paths need.
_ROOM = 1.25


def least_side(size):
    """Pixels that the shorter side of a still needs for clips of side `size`."""
    return math.ceil(_ROOM * size)


def draw(rng, still_size, num_frames, size):
    """Draws a smooth path that stays within a still.

    Pan, turn and zoom each have a random speed and a random constant acceleration.

    Args:
      rng: `numpy.random.Generator`.
      still_size: `(H, W)` of the still, pixels, both at least `least_side(size)`.
      num_frames: T.
      size: pixels, side of the frames.

    Returns:
      `(reduction, views)`: how much smaller the still must be made first, >= 1, and
      float32 `[T, 2, size, size]`: row and column in the reduced still (centre of its
      first pixel at 0) of each pixel. Neighbours are at most one pixel apart.
    """
    most = min(_MOST_REDUCTION, min(still_size) / least_side(size))
    reduction = math.exp(rng.uniform(0, math.log(most))) if most > 1 else 1.0
    room = np.floor(np.array(still_size) / reduction) - 1
    time = np.arange(num_frames) - (num_frames - 1) / 2
    heading = rng.uniform(0, 2 * math.pi)
    pan = rng.uniform(_LEAST_PAN, _PAN) * np.array(
        [math.sin(heading), math.cos(heading)]
    )
    motion = np.stack(
        [
            speed * time + rng.uniform(-1, 1) * _ACCELERATION * most_speed * time**2 / 2
            for speed, most_speed in (
                (pan[0], _PAN),
                (pan[1], _PAN),
                (rng.uniform(-_TURN, _TURN), _TURN),
                (rng.uniform(-_ZOOM, _ZOOM), _ZOOM),
            )
        ]
    )
    tilt = rng.uniform(-_TILT, _TILT)
    place = rng.uniform(size=2)
    while True:
        views = _views(motion, tilt, size)
        low, high = views.min(axis=(0, 2, 3)), views.max(axis=(0, 2, 3))
        if np.all(high - low <= room):
            break
        # Too large for the still: a calmer camera, in the same direction.
        motion, tilt = 0.8 * motion, 0.8 * tilt
    shift = place * (room - (high - low)) - low
    return reduction, (views + shift[:, None, None]).astype(np.float32)


def _views(motion, tilt, size):
    """`[T, 2, size, size]` around the origin; zoom only ever enlarges."""
    offsets = np.arange(size) - (size - 1) / 2
    rows, columns = np.meshgrid(offsets, offsets, indexing="ij")
    down, right, turn, zoom = motion[:, :, None, None]
    scale = np.exp(zoom - zoom.max())
    sine, cosine = np.sin(tilt + turn) * scale, np.cos(tilt + turn) * scale
    return np.stack(
        [
            cosine * rows + sine * columns + down,
            cosine * columns - sine * rows + right,
        ],
        axis=1,
    )
