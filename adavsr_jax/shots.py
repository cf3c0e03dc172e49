"""Cuts between shots, and clips in which nothing moves. NumPy only, no decoding."""

import collections
import statistics

import numpy as np

# The distance of two frames is half the L1 distance of their luma histograms, averaged
# over a grid of cells: 0 for equal pictures, 1 for cells with no tone in common.
_GRID = 3
_NUM_BINS = 32
# A cut is farther than this, and farther than this many times the usual distance of
# the shot so far, so that fast motion and flicker are not taken for cuts.
_LEAST_DISTANCE = 0.35
_TIMES_USUAL = 3.0
_MEMORY_FRAMES = 24


def mark(frames):
    """Says of each frame whether a shot starts with it, as the frames come.

    Args:
      frames: an iterable of uint8 `[H, W, 3]` RGB, of one size.

    Yields:
      `(frame, starts)`: the same frame, and True where a shot starts (the first
      frame always starts one). One frame's histogram and a few numbers are kept.
    """
    previous, recent = None, collections.deque(maxlen=_MEMORY_FRAMES)
    for frame in frames:
        histogram = _histogram(frame)
        starts = previous is None
        if previous is not None:
            distance = 0.5 * np.abs(histogram - previous).sum(axis=-1).mean()
            usual = statistics.median(recent) if recent else 0.0
            starts = bool(distance > max(_LEAST_DISTANCE, _TIMES_USUAL * usual))
            if starts:
                recent.clear()
            else:
                recent.append(distance)
        previous = histogram
        yield frame, starts


def cuts(frames):
    """Lists the index of the first frame of each shot.

    Args:
      frames: an iterable of uint8 `[H, W, 3]` RGB, of one size.

    Returns:
      list of int, ascending, starting with 0; empty for no frames.
    """
    return [index for index, (_, starts) in enumerate(mark(frames)) if starts]


def is_static(clip, threshold):
    """Says whether a clip hardly moves.

    Args:
      clip: uint8 `[T, H, W, 3]`, T >= 2.
      threshold: code values. Neighbouring frames differ by so much on average.

    Returns:
      True if the mean absolute difference between neighbouring frames, over all
      pairs, is below the threshold. Frames are compared by their 2 x 2 means (a size
      of 1 as it is): the noise of a sensor is halved there, motion hardly.
    """
    height, width = clip.shape[1] // 2 * 2, clip.shape[2] // 2 * 2
    if height and width:
        clip = clip[:, :height, :width].astype(np.uint16)
        clip = clip[:, ::2] + clip[:, 1::2]
        clip = (clip[:, :, ::2] + clip[:, :, 1::2]).astype(np.float32) / 4
    return bool(np.abs(np.diff(clip.astype(np.float32), axis=0)).mean() < threshold)


def _histogram(frame):
    """Luma histograms `[cells, bins]` of the cells of a frame, each of sum one."""
    small = frame[::2, ::2].astype(np.uint16)
    # 2:5:1 of 8 is close enough to any luma for a histogram of 32 bins.
    luma = (2 * small[..., 0] + 5 * small[..., 1] + small[..., 2]) // 8
    bins = luma * _NUM_BINS // 256
    cells = [
        cell
        for band in np.array_split(bins, _GRID)
        for cell in np.array_split(band, _GRID, axis=1)
        if cell.size
    ]
    counts = [np.bincount(cell.ravel(), minlength=_NUM_BINS) for cell in cells]
    return np.stack([count / count.sum() for count in counts])
