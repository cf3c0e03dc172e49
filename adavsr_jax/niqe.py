"""NIQE, a score of one picture without its truth; lower is more natural. NumPy, SciPy.

Mittal, Soundararajan and Bovik 2013, "Making a 'Completely Blind' Image Quality
Analyzer": the distance between the statistics of a picture's blocks and those of many
pristine pictures. What the paper leaves open is as in the authors' MATLAB release and
its port in BasicSR 1.4.2: luma of ITU-R BT.601 rounded to whole code values; every
block, not the sharp ones only; no overlap.

The scores are BasicSR's, to 2e-5 in the median of 227 pictures and 0.006 at most.
What differs is its half-size picture: in flat places, where this one is exactly flat,
it holds rounding noise that counts as texture.
"""

from typing import NamedTuple

import numpy as np
import scipy.ndimage
import scipy.special

from adavsr_jax import kernels, pixels

BLOCK = 96  # pixels
FEATURES = 36
# The window of local mean and deviation: 7 x 7, Gaussian.
_SIGMA = 7 / 6
_RADIUS = 3
# MATLAB's antialiased bicubic (a = -0.5) for a reduction by 2: 8 taps.
_HALVING = kernels.cubic((np.arange(8) - 3.5) / 2) / 2
# Where the shape of a distribution is looked up, and the ratio that each shape has.
_gamma = scipy.special.gamma
_SHAPES = np.arange(0.2, 10.001, 0.001)
_RATIOS = _gamma(2 / _SHAPES) ** 2 / (_gamma(1 / _SHAPES) * _gamma(3 / _SHAPES))


class Pristine(NamedTuple):
    """The normal distribution of the features of blocks of pristine pictures.

    Attributes:
      mean: float64 `[36]`.
      covariance: float64 `[36, 36]`.
    """

    mean: np.ndarray
    covariance: np.ndarray


def check_pristine(mean, covariance, name: str) -> Pristine:
    """Returns the two as a `Pristine`, or raises a ValueError.

    Asks for finite real numbers, the mean `[36]` or, as it is published, `[1, 36]`,
    and the covariance `[36, 36]`, symmetric and with no eigenvalue below zero, but for
    rounding. `name` says in the error where they came from.
    """
    mean, covariance = np.asarray(mean), np.asarray(covariance)
    if mean.shape not in ((FEATURES,), (1, FEATURES)):
        found = f"a mean of shape {mean.shape}"
    elif covariance.shape != (FEATURES, FEATURES):
        found = f"a covariance of shape {covariance.shape}"
    elif not {mean.dtype.kind, covariance.dtype.kind} <= set("fiu"):
        found = f"dtypes {mean.dtype} and {covariance.dtype}"
    elif not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        found = "numbers that are not finite"
    elif not _is_covariance(covariance.astype(np.float64)):
        found = "a covariance that is not symmetric or has an eigenvalue below zero"
    else:
        mean = mean.astype(np.float64).reshape(FEATURES)
        return Pristine(mean, covariance.astype(np.float64))
    raise ValueError(
        f"{name}: pristine parameters are a mean [{FEATURES}] and a covariance "
        f"[{FEATURES}, {FEATURES}], finite real numbers; found {found}"
    )


def niqe(frames: np.ndarray, pristine: Pristine) -> np.ndarray:
    """NIQE of luma, float64 `[T]`, for uint8 `[T, H, W, 3]` RGB.

    What is right of and below the last whole block of 96 x 96 is not looked at. A
    frame scores nan if fewer than two of its blocks have all features, as one that is
    flat has none: no covariance then exists. Raises a ValueError for another shape or
    dtype and for frames that hold fewer than two blocks.
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
        raise ValueError(
            f"expected uint8 [T, H, W, 3], got {frames.dtype} {frames.shape}"
        )
    check_size(*frames.shape[1:3])
    return np.array([_distance(features(frame), pristine) for frame in frames])


def check_size(height: int, width: int) -> None:
    """Raises a ValueError if frames of a size, pixels, hold fewer than two blocks."""
    if (height // BLOCK) * (width // BLOCK) < 2:
        raise ValueError(
            f"NIQE needs two blocks of {BLOCK} x {BLOCK} in a frame, so {BLOCK} x "
            f"{2 * BLOCK} pixels or more; got {height} x {width}"
        )


def features(frame: np.ndarray) -> np.ndarray:
    """What the blocks of a frame are known by: float64 `[blocks, 36]`.

    `frame` is uint8 `[H, W, 3]`, at least 96 x 96. A row is 18 numbers at full size,
    then 18 at half size: shape and mean scale of the normalised luma; then, of its
    product with the neighbour on the left, above, above on the left, above on the
    right, each time shape, mean, left and right scale. A number is nan where a block
    has no value below zero or none above.
    """
    rows, columns = (size // BLOCK for size in frame.shape[:2])
    # Held in float32, as BasicSR does: its rounding makes flat places exactly flat, and
    # a value that is exactly zero counts neither as negative nor as positive.
    full = np.round(pixels.luma(frame[: rows * BLOCK, : columns * BLOCK]))
    full = full.astype(np.float32)
    half = _halve(_halve(full, 0), 1).astype(np.float32)
    scales = [
        _block_features(_blocks(_normalise(image), rows, columns))
        for image in (full, half)
    ]
    return np.concatenate(scales, axis=1)


def fit(values: np.ndarray):
    """Shape, left and right scale, float64 `[B]` each, of the values in `[B, N]`.

    The asymmetric generalised Gaussian, `exp(-(|x| / scale)^shape)` with a scale for
    each side of zero, by matching moments (Lasmar et al. 2009); shapes are multiples
    of 0.001 in 0.2 .. 10. A side without values has scale nan, and the shape is 0.2.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.sqrt(_mean_square(np.minimum(values, 0)))
        right = np.sqrt(_mean_square(np.maximum(values, 0)))
        ratio = np.mean(np.abs(values), 1) ** 2 / np.mean(values**2, 1)
        skew = left / right
        ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    # argmin takes nan for the least, so the first shape, as the published codes do;
    # it enters the mean of the features over the blocks.
    shape = _SHAPES[np.argmin(np.abs(_RATIOS - ratio[:, None]), axis=1)]
    scale = np.sqrt(_gamma(1 / shape) / _gamma(3 / shape))
    return shape, left * scale, right * scale


def _is_covariance(matrix):
    tolerance = 1e-12 * np.abs(matrix).max()
    symmetric = np.abs(matrix - matrix.T).max() <= tolerance
    return symmetric and np.linalg.eigvalsh(matrix).min() >= -tolerance


def _distance(features, pristine):
    """Eq. 10 of the paper, with the features `[blocks, 36]` of one picture."""
    whole = features[~np.isnan(features).any(axis=1)]
    if len(whole) < 2:
        return np.nan
    # The mean is that of all the numbers there are, as in the published codes.
    difference = pristine.mean - np.nanmean(features, axis=0)
    covariance = (pristine.covariance + np.cov(whole, rowvar=False)) / 2
    square = difference @ np.linalg.pinv(covariance) @ difference
    return np.sqrt(max(square, 0))  # rounding may take a zero below it


def _halve(image, axis):
    """Half the size along `axis`, which is even; borders mirrored."""
    # The taps of output 2 i lie at i - 3 .. i + 4.
    filtered = scipy.ndimage.correlate1d(
        image, _HALVING, axis, np.float64, mode="reflect", origin=-1
    )
    return filtered[::2] if axis == 0 else filtered[:, ::2]


def _normalise(image):
    """Eq. 1 of the paper: luma less its local mean, over its local deviation and 1."""
    mean, square = _window(image), _window(image**2)
    deviation = np.sqrt(np.abs(square - mean**2))
    return (image - mean) / (deviation + 1)


def _window(image):
    smooth = scipy.ndimage.gaussian_filter(
        image, _SIGMA, output=np.float64, mode="nearest", radius=_RADIUS
    )
    return smooth.astype(np.float32)


def _blocks(image, rows, columns):
    """`[rows * side, columns * side]` to float64 `[rows * columns, side, side]`."""
    side = len(image) // rows
    grid = image.reshape(rows, side, columns, side).swapaxes(1, 2)
    return grid.reshape(-1, side, side).astype(np.float64)


def _block_features(blocks):
    """`[B, side, side]` to `[B, 18]`."""
    flat = lambda x: x.reshape(len(x), -1)
    shape, left, right = fit(flat(blocks))
    found = [shape, (left + right) / 2]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        # The neighbour of a value at the edge is at the other edge of the block.
        shape, left, right = fit(flat(blocks * np.roll(blocks, shift, (1, 2))))
        mean = (right - left) * _gamma(2 / shape) / _gamma(1 / shape)  # eq. 8
        found += [shape, mean, left, right]
    return np.stack(found, axis=1)


def _mean_square(side):
    """Over the values that are not zero, `[B, N]` to `[B]`; nan if there are none."""
    return np.sum(side**2, axis=1) / np.count_nonzero(side, axis=1)
