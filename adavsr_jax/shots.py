"""Cuts between shots, and clips in which nothing moves. NumPy only, no decoding."""

import collections
import itertools
import math
import statistics

import numpy as np

# The distance of two frames is half the L1 distance of their luma histograms, averaged
# over a grid of cells: 0 for equal pictures, 1 for cells with no tone in common.
_GRID = 3
_NUM_BINS = 32
# Histograms of few pixels differ by chance, the more the finer they are. So every
# pixel of a small frame counts, a cell has so many pixels if the frame can afford it,
# and a tone counts for its neighbours too until so many pixels share each bin.
_SMALL_FRAME_PIXELS = 4096
_CELL_PIXELS = 32
_BIN_PIXELS = 6
_MOST_NEIGHBOURS = 7
# A cut is farther than this, and farther than this many times the usual distance of
# the shot so far, so that fast motion and flicker are not taken for cuts.
_LEAST_DISTANCE = 0.3
_TIMES_USUAL = 2.25
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


def spans(frames):
    """`[(start, end), ...]` of the shots: frames `start .. end - 1`. As `cuts`."""
    return list(itertools.pairwise([*cuts(frames), len(frames)]))


def _histogram(frame):
    """Luma histograms `[cells, bins]` of the cells of a frame, each of sum one."""
    height, width = frame.shape[:2]
    if height * width >= _SMALL_FRAME_PIXELS:
        frame = frame[::2, ::2]
    # 2:5:1 of 8 is close enough to any luma for a histogram of 32 bins.
    red, green, blue = np.moveaxis(frame.astype(np.uint16), -1, 0)
    bins = (2 * red + 5 * green + blue) // 8 * _NUM_BINS // 256
    grid = min(_GRID, max(1, math.isqrt(bins.size // _CELL_PIXELS)))
    cells = [
        cell
        for band in np.array_split(bins, grid)
        for cell in np.array_split(band, grid, axis=1)
        if cell.size
    ]
    counts = [np.bincount(cell.ravel(), minlength=_NUM_BINS) for cell in cells]
    shares = np.stack([count / count.sum() for count in counts])
    return _blur(shares, _BIN_PIXELS * _NUM_BINS * len(cells) // (2 * bins.size))


def _blur(shares, neighbours):
    """The mean of each bin and so many on each side; sums stay as they are."""
    if not neighbours:
        return shares
    reach = min(neighbours, _MOST_NEIGHBOURS)
    padded = np.pad(shares, [(0, 0), (reach, reach)], mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1)
    return windows.mean(axis=-1)
