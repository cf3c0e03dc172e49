"""Blur from the power spectrum of a shot: blind, nothing learned, milliseconds.

Sharp pictures have spectra near a power law (Field, JOSA A 1987); a Gaussian blur of
covariance `C` multiplies them by `exp(-v^T C v)`, `v` in radians per high-resolution
pixel. The law's exponent and lopsidedness and `C` are fitted together; the blur shows
where the logarithm falls with the square of frequency. Departure: not one of the
methods that the paper names (its refs. 41 and 48), and much closer than the first.
"""

import jax
import jax.numpy as jnp
import numpy as np

from adavsr_jax import kernels, pixels

_SIDE = 32  # pixels of a window; the smallest frame
_STEPS = 12
_NARROWEST, _WIDEST = 0.6, 5.0  # standard deviations that are answered, pixels

# The unknowns: logarithm of the scale; exponent; the amplitude's dependence on the
# direction phi, as cos 2 phi, sin 2 phi, cos 4 phi; C_xx, C_xy, C_yy in pixels^2.
# Content is lopsided at every frequency alike, blur ever more with frequency: that
# tells them apart. Means and spreads of content are rounded from fits to our training
# videos; those of C are chosen to say little.
_MEAN = np.float32([0, 2.4, 0, 0, 0.25, 4, 0, 4])
_SPREAD = np.float32([30, 0.3, 0.3, 0.3, 0.3, 2, 1.4, 2])
# Of the logarithm at one frequency. Models miss by 0.4; it is more because neighbours
# miss together, and 476 frequencies must not outvote the prior.
_MISFIT = 1.0
# Rounding to 8 bits, a variance of 1/12 in each colour, as it appears in luma.
_ROUNDING = float(np.sum(np.square([65.481, 128.553, 24.966])) / 255**2 / 12)


def estimate(lr):
    """The Gaussian kernel, float32 `[20, 20]`, that blurred a shot: see `covariance`.

    Args:
      lr: `[M, h, w, 3]` uint8 or uint16, low-resolution frames that share one blur.

    Raises:
      ValueError: frames smaller than 32 x 32, or another shape.
    """
    variances, axes = jnp.linalg.eigh(covariance(lr))
    sigmas = jnp.clip(jnp.sqrt(jnp.maximum(variances, 0)), _NARROWEST, _WIDEST)
    return kernels.gaussian(sigmas[1], sigmas[0], jnp.arctan2(axes[1, 1], axes[0, 1]))


@jax.jit
def covariance(lr):
    """The blur's covariance `[[xx, xy], [xy, yy]]`, float32, high-resolution pixels^2.

    A maximum a posteriori fit by Gauss-Newton to the logarithm of `power`, for `lr`
    and errors as in `estimate`. Where there is next to no detail the prior answers,
    sigma 2 in both directions; a very sharp shot may get variances below zero.
    """
    x, y, fitted = _frequencies()
    measured = jnp.log(jnp.maximum(power(lr), _ROUNDING))[fitted]
    x, y = x[fitted], y[fitted]

    def residuals(unknowns):
        misfit = (_log_model(unknowns, x, y) - measured) / _MISFIT
        return jnp.concatenate([misfit, (unknowns - _MEAN) / _SPREAD])

    def step(_, unknowns):
        slopes = jax.jacfwd(residuals)(unknowns)
        normal = jnp.matmul(slopes.T, slopes, precision="highest")
        right = jnp.matmul(slopes.T, residuals(unknowns), precision="highest")
        change = jnp.linalg.solve(normal, right)
        # Unlimited steps diverge for some shots; by a spread at most none does.
        return unknowns - change / jnp.maximum(1, jnp.abs(change / _SPREAD).max())

    start = jnp.asarray(_MEAN)
    start = start.at[0].set((measured - _log_model(start, x, y)).mean())
    xx, xy, yy = jax.lax.fori_loop(0, _STEPS, step, start)[5:]
    return jnp.stack([jnp.stack([xx, xy]), jnp.stack([xy, yy])])


def power(lr):
    """The mean power spectrum of a shot's luma: `[32, 17]`, code values^2 a pixel.

    Hann windows half over one another, frames and windows averaged; a window counts by
    the root of its own power, lest one strong edge speak for all. Rows are frequencies
    in y, columns in x, as `jnp.fft.rfft2` orders them. Argument and errors as in
    `estimate`.
    """
    if lr.ndim != 4 or lr.shape[3] != 3 or min(lr.shape[1:3]) < _SIDE:
        raise ValueError(
            f"the spectrum needs frames [M, h, w, 3] of {_SIDE} x {_SIDE} or more; "
            f"got {lr.shape}"
        )
    luma = pixels.luma(pixels.to_8_bit_codes(lr))
    # One gather: a slice a window would make a program as long as there are windows.
    rows, columns = (_places(size) for size in luma.shape[1:])
    windows = luma[:, rows[:, None, :, None], columns[None, :, None, :]]
    windows = jnp.moveaxis(windows, 0, 2).reshape(-1, len(luma), _SIDE, _SIDE)
    hann = np.sin(np.pi * (np.arange(_SIDE) + 0.5) / _SIDE) ** 2
    hann = np.outer(hann, hann).astype(np.float32)[None, None]
    mean = (windows * hann).sum((-2, -1), keepdims=True) / hann.sum()
    spectra = jnp.abs(jnp.fft.rfft2((windows - mean) * hann)) ** 2 / (hann**2).sum()
    # A few code values: a flat window must not outweigh all others.
    weights = jax.lax.rsqrt(spectra.mean((-2, -1), keepdims=True) + 4)
    return (spectra * weights).sum((0, 1)) / weights.sum()


def _places(size):
    """Pixels of windows, `[N, 32]`: every half window, and one that ends the frame."""
    corners = np.array([*range(0, size - _SIDE, _SIDE // 2), size - _SIDE])
    return corners[:, None] + np.arange(_SIDE)


def _frequencies():
    """x and y, radians a low-resolution pixel, `[32, 17]`; a mask of those fitted.

    Left out: one of each pair that mirrors another, the highest row and column, and
    what is below a tenth of the band, where the window smears the spectrum's peak.
    """
    x, y = np.meshgrid(np.fft.rfftfreq(_SIDE), np.fft.fftfreq(_SIDE))
    once = (x > 0) | (y > 0)
    fitted = once & (np.maximum(x, abs(y)) < 0.5) & (np.hypot(x, y) > 0.05)
    return np.float32(2 * np.pi * x), np.float32(2 * np.pi * y), fitted


def _log_model(unknowns, x, y):
    """The logarithm of the power at frequencies `[N]`, for the eight unknowns.

    Sampling adds to each frequency those that lie a multiple of 2 pi away; the nearest
    nine are kept. At a scale of 4, `v^T C v` is `(x, y) C (x, y)^T / 16`.
    """
    scale, exponent, cos2, sin2, cos4, xx, xy, yy = unknowns
    folds = np.float32([(m, n) for m in (-1, 0, 1) for n in (-1, 0, 1)]) * 2 * np.pi
    folds = folds.astype(np.float32)[..., None]
    x, y = x + folds[:, 0], y + folds[:, 1]  # [9, N]
    square = x**2 + y**2
    cosine, sine = (x**2 - y**2) / square, 2 * x * y / square
    content = cos2 * cosine + sin2 * sine + cos4 * (cosine**2 - sine**2)
    blur = (xx * x**2 + 2 * xy * x * y + yy * y**2) / kernels.SCALE**2
    copies = scale + content - exponent / 2 * jnp.log(square) - blur
    return jnp.logaddexp(jax.nn.logsumexp(copies, 0), np.float32(np.log(_ROUNDING)))
