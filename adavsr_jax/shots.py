"""Cuts between shots, and clips in which nothing moves. NumPy only, no decoding."""

import collections
import itertools
import math
import statistics
from typing import NamedTuple

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
# Of a large frame about so many pixels are looked at, evenly spread.
_ENOUGH_PIXELS = 14400
# A cut is farther than the first, and farther than so many times the usual distance
# of the frames before or after, so that fast motion and flicker are not taken for
# cuts; what is farther than the last is no motion.
_LEAST_DISTANCE = 0.28
_TIMES_USUAL = 2.25
_MOST_DISTANCE = 0.5
_MEMORY_FRAMES = 24
# What else changes a picture at once is told by its light: means over a finer grid.
_LIGHT_GRID = (9, 16)
_FLASH_FRAMES = 3
# How many frames on it must be known what comes: the cut behind a flash, and whether
# that is the start of a fade.
LOOK_AHEAD = _FLASH_FRAMES + 1
# A flash adds light nearly everywhere (or takes it, in a strobe); another picture
# is brighter here and darker there.
_ONE_SIGN = 0.9
# The light of most cells of a frame in which nothing else can be told.
_NEAR_BLACK, _NEAR_WHITE = 20, 225
_FLASH_PATTERN = 0.5
# A picture under another light keeps its pattern: the lights are so correlated, and
# a little less will do if light was added, or taken, nearly everywhere.
_SAME_PATTERN = 0.75
_SAME_PATTERN_RELIT = 0.6
# A frame of a fade is a blend of its neighbours, to within so much of the way to
# either, and the step there is so much of the whole way at most.
_BLEND_ERROR = 0.35
_BLEND_STEP = 0.42


class _View(NamedTuple):
    """What is kept of a frame: tones `[cells, bins]`, each cell of sum one; light
    `[9, 16]` (fewer if the frame is smaller), luma of 0 to 255."""

    tones: np.ndarray
    light: np.ndarray


def mark(frames):
    """Says of each frame whether a shot starts with it, as the frames come.

    Fades start none, nor do flashes of up to three frames; behind one between two
    shots the second starts, or with it if it is a light on the second. Another picture
    put in for a frame or more is a shot; of a cut with one blended frame that is the
    first of the new shot.

    Args:
      frames: an iterable of uint8 or uint16 `[H, W, 3]` RGB over the whole range of
        the type, of one size and type.

    Yields:
      `(frame, starts)`: the same frame, and True where a shot starts (the first
      frame always starts one). `LOOK_AHEAD` frames more are drawn, if there are.
    """
    behind = collections.deque(maxlen=LOOK_AHEAD)
    pace = collections.deque(maxlen=_MEMORY_FRAMES)
    ahead = collections.deque()

    def first():
        views = [*behind, *(view for _, view in ahead)]
        starts = not behind or _is_cut(views, len(behind), pace)
        frame, view = ahead.popleft()
        behind.append(view)
        return frame, starts

    for frame in frames:
        ahead.append((frame, _view(frame)))
        if len(ahead) > LOOK_AHEAD:
            yield first()
    while ahead:
        yield first()


def cuts(frames):
    """Lists the index of the first frame of each shot.

    Args:
      frames: as `mark` takes them.

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


def _is_cut(views, at, pace):
    """Whether a cut leads to `views[at]`; `pace` are distances within the shot."""
    distance = _distance(views[at - 1], views[at])
    after = [_distance(*pair) for pair in itertools.pairwise(views[at : at + 4])]
    after = [step for step in after if step < _MOST_DISTANCE]
    usual = max(statistics.median(steps) if steps else 0.0 for steps in (pace, after))
    limit = max(_LEAST_DISTANCE, min(_MOST_DISTANCE, _TIMES_USUAL * usual))
    if distance <= limit:
        pace.append(distance)
        return False
    if not _jumps(views, at) or _flashes(views, at, usual):
        return False
    pace.clear()
    return True


def _distance(one, other):
    return 0.5 * np.abs(one.tones - other.tones).sum(axis=-1).mean()


def _jumps(views, at):
    """Whether the step to `views[at]` leads to another picture, and at once."""
    for middle in (at, at - 1):
        if _is_blend(views, middle):
            # Of a cut with a single blended frame that frame is the first.
            lone = not _is_slow(views, at)
            ends = views[middle - 1], views[middle + 1]
            return lone and middle == at and not _is_same(*ends)
    return not _is_same(views[at - 1], views[at])


def _is_same(one, other, limit=_LEAST_DISTANCE):
    """Whether two views are of one picture, under more or less light."""
    if _distance(one, other) < limit:
        return True
    relit = abs(_sign(one, other)) > _ONE_SIGN
    return _likeness(one, other) > (_SAME_PATTERN_RELIT if relit else _SAME_PATTERN)


def _likeness(one, other):
    """Correlation of the lights; 0 if one of them has no pattern."""
    one, other = one.light - one.light.mean(), other.light - other.light.mean()
    return np.vdot(one, other) / max(np.linalg.norm(one) * np.linalg.norm(other), 1e-9)


def _sign(one, other):
    """1 if the light of the other is nowhere less, -1 if nowhere more."""
    change = other.light - one.light
    return change.sum() / max(np.abs(change).sum(), 1e-9)


def _is_slow(views, at):
    """Whether the step to `views[at]` is a small part of a longer way, as in a fade."""
    step = np.abs(views[at].light - views[at - 1].light).mean()
    way = max(
        np.abs(late.light - early.light).mean()
        for early in views[max(0, at - LOOK_AHEAD) : at]
        for late in views[at : at + LOOK_AHEAD]
    )
    return step < _BLEND_STEP * way


def _is_blend(views, at):
    """Whether `views[at]` is between its neighbours: on the straight way."""
    if not 0 < at < len(views) - 1:
        return False
    back = views[at - 1].light - views[at].light
    on = views[at + 1].light - views[at].light
    way = on - back
    share = -np.vdot(back, way) / max(np.vdot(way, way), 1e-9)
    error = np.abs(back + share * way).mean()
    near = min(np.abs(back).mean(), np.abs(on).mean())
    return 0 < share < 1 and error < _BLEND_ERROR * near


def _flashes(views, at, usual):
    """Whether the step to `views[at]` is within a flash, and not the cut there."""
    flashes = [
        (before, behind)
        for before in range(max(0, at - _FLASH_FRAMES - 1), at)
        for behind in range(max(at, before + 2), before + _FLASH_FRAMES + 2)
        if behind < len(views) and _is_flash(views[before : behind + 1])
    ]
    for before, behind in flashes:
        moved = min(_MOST_DISTANCE, usual * (behind - before))
        if _is_same(views[before], views[behind], max(_LEAST_DISTANCE, moved)):
            return True
    if not flashes:
        return False
    # Between two shots. The cut is the step out, or the step in if the flash was a
    # light on the second.
    before, behind = max(flashes, key=lambda flash: flash[1] - flash[0])
    return at != (behind if _jumps(views, behind) else before + 1)


def _is_flash(views):
    """Whether all between the first and the last is brighter, or darker, by far.

    And either near white (or black) or one of these two in another light.
    """
    if any(_distance(*pair) < _LEAST_DISTANCE for pair in (views[:2], views[-2:])):
        return False
    ends, between = (views[0], views[-1]), views[1:-1]
    signs = [_sign(end, view) for end in ends for view in between]
    if min(signs) < _ONE_SIGN and max(signs) > -_ONE_SIGN:
        return False
    return all(
        not _NEAR_BLACK < np.median(view.light) < _NEAR_WHITE
        or max(_likeness(end, view) for end in ends) > _FLASH_PATTERN
        for view in between
    )


def _view(frame):
    luma = _luma(frame)
    bins = (luma * _NUM_BINS // 2048).astype(np.intp)
    grid = min(_GRID, max(1, math.isqrt(bins.size // _CELL_PIXELS)))
    cells = [
        cell
        for band in np.array_split(bins, grid)
        for cell in np.array_split(band, grid, axis=1)
        if cell.size
    ]
    counts = [np.bincount(cell.ravel(), minlength=_NUM_BINS) for cell in cells]
    shares = np.stack([count / count.sum() for count in counts])
    tones = _blur(shares, _BIN_PIXELS * _NUM_BINS * len(cells) // (2 * bins.size))
    return _View(tones, _light(luma))


def _luma(frame):
    """Eight times luma, uint16 `[h, w]`, of so many pixels as are enough."""
    height, width = frame.shape[:2]
    if height * width >= _SMALL_FRAME_PIXELS:
        step = max(2, math.isqrt(height * width // _ENOUGH_PIXELS))
        frame = frame[::step, ::step]
    if frame.dtype == np.uint16:
        frame = frame >> 8
    # 2:5:1 of 8 is close enough to any luma for a histogram of 32 bins.
    red, green, blue = np.moveaxis(frame.astype(np.uint16), -1, 0)
    return 2 * red + 5 * green + blue


def _light(luma):
    """Means of cells, `[9, 16]` or fewer."""
    for axis, count in enumerate(_LIGHT_GRID):
        size = luma.shape[axis]
        starts = np.arange(min(size, count)) * size // min(size, count)
        sizes = np.diff([*starts, size])
        luma = np.add.reduceat(luma, starts, axis, np.float32)
        luma /= sizes[:, None] if axis == 0 else sizes
    return luma / 8


def _blur(shares, neighbours):
    """The mean of each bin and so many on each side; sums stay as they are."""
    if not neighbours:
        return shares
    reach = min(neighbours, _MOST_NEIGHBOURS)
    padded = np.pad(shares, [(0, 0), (reach, reach)], mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1)
    return windows.mean(axis=-1)
