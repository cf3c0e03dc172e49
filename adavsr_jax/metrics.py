"""What is trained on (JAX) and what is reported (NumPy in float64, frame by frame).

Reported figures take uint8 RGB and score luma, peak 255, no border cropped: the
convention of Zooming Slow-Mo and of every table we compare with.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import scipy.ndimage

from adavsr_jax import pixels

_PEAK = 255
# Wang et al. 2004: 11 x 11 Gaussian window of sigma 1.5, K1 = 0.01, K2 = 0.03.
_SIGMA = 1.5
_RADIUS = 5
_C1 = (0.01 * _PEAK) ** 2
_C2 = (0.03 * _PEAK) ** 2


def l1(prediction, target):
    """Mean absolute difference of two arrays of one shape; a scalar."""
    return jnp.mean(jnp.abs(prediction - target))


def charbonnier(prediction, target, epsilon):
    """Mean of `sqrt(difference^2 + epsilon^2)` over two arrays of one shape; a scalar.

    The smooth l1 of Charbonnier et al. 1994; `epsilon` is in the unit of the arrays,
    and 1 / epsilon is the largest curvature.
    """
    return jnp.mean(_smooth_abs(prediction - target, epsilon))


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _smooth_abs(x, epsilon):
    return jnp.sqrt(x**2 + epsilon**2)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _smooth_sign(x, epsilon):
    return x / _smooth_abs(x, epsilon)


# Each derivative by its formula: of one step, a Hessian product then keeps two arrays
# of the size of `x` where it kept six.
_smooth_abs.defjvp(
    lambda epsilon, primals, tangents: (
        _smooth_abs(*primals, epsilon),
        _smooth_sign(*primals, epsilon) * tangents[0],
    )
)
_smooth_sign.defjvp(
    lambda epsilon, primals, tangents: (
        _smooth_sign(*primals, epsilon),
        epsilon**2 / _smooth_abs(*primals, epsilon) ** 3 * tangents[0],
    )
)


def psnr_y(frames: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """PSNR of luma in dB, float64 `[T]`, for uint8 `[T, H, W, 3]` twice.

    Identical frames score `inf`. Raises a ValueError for other shapes or dtypes.
    """
    _check_pair(frames, truth)
    errors = [_luma_error(*pair) for pair in zip(frames, truth, strict=True)]
    with np.errstate(divide="ignore"):
        return 10 * np.log10(_PEAK**2 / np.array(errors))


def ssim_y(frames: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """SSIM of luma, float64 `[T]`, for uint8 `[T, H, W, 3]` twice, at least 11 x 11.

    Wang et al. 2004, eq. 13: Gaussian window, valid area only. Raises a ValueError
    for other shapes or dtypes.
    """
    _check_pair(frames, truth)
    if min(frames.shape[1:3]) < 2 * _RADIUS + 1:
        raise ValueError(f"SSIM needs frames of 11 x 11 or more; got {frames.shape}")
    scores = [_luma_ssim(*pair) for pair in zip(frames, truth, strict=True)]
    return np.array(scores)


def _check_pair(frames, truth):
    good = frames.shape == truth.shape and frames.ndim == 4 and frames.shape[-1] == 3
    if not good or frames.dtype != np.uint8 or truth.dtype != np.uint8:
        raise ValueError(
            "expected two uint8 arrays [T, H, W, 3] of one shape, got "
            f"{frames.dtype} {frames.shape} and {truth.dtype} {truth.shape}"
        )


def _luma_error(frame, truth):
    return np.mean((pixels.luma(frame) - pixels.luma(truth)) ** 2)


def _luma_ssim(frame, truth):
    a, b = pixels.luma(frame), pixels.luma(truth)
    mean_a, mean_b = _window(a), _window(b)
    square_sum = mean_a**2 + mean_b**2
    product = mean_a * mean_b
    variance_sum = _window(a**2 + b**2) - square_sum
    covariance = _window(a * b) - product
    numerator = (2 * product + _C1) * (2 * covariance + _C2)
    return np.mean(numerator / ((square_sum + _C1) * (variance_sum + _C2)))


def _window(image):
    """Gaussian mean at every place where the whole window lies in the image."""
    blurred = scipy.ndimage.gaussian_filter(image, _SIGMA, radius=_RADIUS)
    return blurred[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS]
