"""Blur kernels: made from parameters, drawn from distributions, checked.

A kernel is float32 `[20, 20]`, row = y, column = x, with taps at the half-integer
offsets -9.5 .. 9.5 in high-resolution pixels; it is applied by correlation and sums
to one. The even support puts a low-resolution pixel at the centre of its 4 x 4 block,
so nothing is ever shifted. Angles are in radians, from +x toward +y (rows downward).
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

SCALE = 4
TAPS = 20
OFFSETS = np.arange(TAPS) - (TAPS - 1) / 2
_GRID = np.stack(np.meshgrid(OFFSETS, OFFSETS))  # x and y, [2, 20, 20]

# The error of an estimate, as `jitter` imitates it: a chosen size, not a measured one.
_JITTER_LOG_SIGMA = 0.1
_JITTER_ANGLE = np.deg2rad(6.0)


class Parameters(NamedTuple):
    """One kernel in four scalars; a pytree, with a leading axis for several kernels.

    Attributes:
      s1: float32, standard deviation along `angle`, pixels, s1 >= s2.
      s2: float32, standard deviation across it, pixels, above zero.
      angle: float32, radians.
      is_bicubic: bool, true: the numbers above are ignored.
    """

    s1: jax.Array
    s2: jax.Array
    angle: jax.Array
    is_bicubic: jax.Array


@dataclasses.dataclass(frozen=True)
class Distribution:
    """Where `sample` draws from.

    The wider width is uniform in `low .. high`, the narrower in `low .. wider`;
    `independent` draws both in `low .. high` and sorts them. Widths are standard
    deviations in pixels or, with `of_variances`, their squares. The angle is uniform.
    """

    low: float
    high: float
    of_variances: bool
    independent: bool
    bicubic_probability: float


def uniform(low=0.6, high=3.4, bicubic_probability=0.1) -> Distribution:
    """`s1 ~ U(low, high)`, `s2 ~ U(low, s1)`: what we train on by default.

    Departure: Ada-VSR says "anisotropic Gaussian kernels" and gives no range; the
    bicubic kernel is ours to add, for no Gaussian imitates its negative lobes.
    """
    return Distribution(low, high, False, False, bicubic_probability)


def mzsr() -> Distribution:
    """MZSR (Soh et al., CVPR 2020): variances `l1 ~ U(1, 2.5 s)`, `l2 ~ U(1, l1)`.

    Departure: 20 taps on the half-pixel grid for its 15 on the pixel grid.
    """
    return Distribution(1.0, 2.5 * SCALE, True, False, 0.0)


def dynavsr() -> Distribution:
    """DynaVSR (Lee et al., WACV 2021): both sigmas `U(0.2, 5)`, any angle.

    Departure: 20 taps for its 21.
    """
    return Distribution(0.2, 5.0, False, True, 0.0)


def only_bicubic() -> Distribution:
    """Always the bicubic kernel: pre-training, and the classical benchmark."""
    return uniform(bicubic_probability=1.0)


def gaussian(s1, s2, angle):
    """Gaussian kernel, float32 `[20, 20]`, for scalars: two sigmas in pixels, radians.

    `k ~ exp(-d^T C^-1 d / 2)` at the offsets `d`, normalised, where `C` has the
    variances `s1^2` along `angle` and `s2^2` across it.
    """
    s1, s2, angle = (jnp.asarray(each, jnp.float32) for each in (s1, s2, angle))
    offsets = jnp.asarray(OFFSETS, jnp.float32)
    x, y = offsets[None, :], offsets[:, None]
    along = (jnp.cos(angle) * x + jnp.sin(angle) * y) / s1
    across = (jnp.cos(angle) * y - jnp.sin(angle) * x) / s2
    # A softmax normalises without underflow, however narrow the Gaussian is.
    return jax.nn.softmax(-(along**2 + across**2) / 2, axis=(0, 1))


def from_covariance(xx, xy, yy):
    """Gaussian kernel, `[20, 20]`, of a covariance in pixels^2, three scalars."""
    offsets = jnp.asarray(OFFSETS, xx.dtype)
    x, y = offsets[None, :], offsets[:, None]
    squares = (yy * x**2 - 2 * xy * x * y + xx * y**2) / (xx * yy - xy**2)
    return jax.nn.softmax(-squares / 2, axis=(0, 1))


def bicubic():
    """MATLAB's antialiased bicubic (a = -0.5) for a reduction by 4: `[20, 20]`."""
    taps = cubic(OFFSETS / SCALE) / SCALE
    return jnp.asarray(np.outer(taps, taps), jnp.float32)


def cubic(distance):
    """Cubic of Keys (1981), a = -0.5, at distances `[...]` in samples; NumPy."""
    d = np.abs(distance)
    near = 1.5 * d**3 - 2.5 * d**2 + 1
    far = -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def from_parameters(parameters: Parameters):
    """The kernel, float32 `[20, 20]`, of scalar parameters; `vmap` it for several."""
    blurred = gaussian(parameters.s1, parameters.s2, parameters.angle)
    return jnp.where(parameters.is_bicubic, bicubic(), blurred)


def sample(key, distribution: Distribution) -> Parameters:
    """Draws the parameters (scalars) of one kernel; the key is consumed."""
    key_1, key_2, key_angle, key_bicubic = jax.random.split(key, 4)
    low, high = distribution.low, distribution.high
    first = jax.random.uniform(key_1, minval=low, maxval=high)
    limit = high if distribution.independent else first
    second = jax.random.uniform(key_2, minval=low, maxval=limit)
    wide, narrow = jnp.maximum(first, second), jnp.minimum(first, second)
    if distribution.of_variances:
        wide, narrow = jnp.sqrt(wide), jnp.sqrt(narrow)
    angle = jax.random.uniform(key_angle, maxval=jnp.pi)
    is_bicubic = jax.random.bernoulli(key_bicubic, distribution.bicubic_probability)
    return Parameters(wide, narrow, angle, is_bicubic)


def jitter(key, parameters: Parameters) -> Parameters:
    """The parameters as an estimate would give them; scalars; the key is consumed.

    Sigmas err by a log-normal 10 %, the angle by a normal 6 degrees. Where the axes
    change places the angle turns with them, so that `s1 >= s2` still holds.
    """
    noise = jax.random.normal(key, (3,))
    s1 = parameters.s1 * jnp.exp(_JITTER_LOG_SIGMA * noise[0])
    s2 = parameters.s2 * jnp.exp(_JITTER_LOG_SIGMA * noise[1])
    angle = parameters.angle + _JITTER_ANGLE * noise[2]
    angle = jnp.where(s1 < s2, angle + jnp.pi / 2, angle)
    return Parameters(
        jnp.maximum(s1, s2), jnp.minimum(s1, s2), angle, parameters.is_bicubic
    )


def motion(length, angle):
    """A shaken camera: `[20, 20]` for a straight path of `length` pixels at `angle`.

    The sum of Gaussians of sigma 1 at 201 equidistant points of the path; NumPy.
    """
    steps = np.linspace(-length / 2, length / 2, 201)[:, None, None]
    x = OFFSETS[None, None, :] - steps * np.cos(angle)
    y = OFFSETS[None, :, None] - steps * np.sin(angle)
    return _normalised(np.exp(-(x**2 + y**2) / 2).sum(axis=0))


def disk(radius):
    """A lens out of focus: `[20, 20]`, a disk of `radius` pixels; NumPy.

    A tap is the share of its 8 x 8 sample points that lie in the disk.
    """
    samples = (np.arange(8 * TAPS) + 0.5) / 8 - TAPS / 2
    inside = samples[:, None] ** 2 + samples[None, :] ** 2 <= radius**2
    return _normalised(inside.reshape(TAPS, 8, TAPS, 8).mean(axis=(1, 3)))


def irregular(s1, s2, angle, seed):
    """A Gaussian whose taps are multiplied by numbers in 0.5 .. 1.5; `[20, 20]`.

    The numbers are `0.5 + numpy.random.default_rng(seed).random((20, 20))`; NumPy.
    """
    noise = 0.5 + np.random.default_rng(seed).random((TAPS, TAPS))
    return _normalised(np.asarray(gaussian(s1, s2, angle), np.float64) * noise)


def error(kernel, truth):
    """How wrong a kernel is: `|k - k*| / |k*|`, Euclidean; two `[20, 20]`, a scalar."""
    return jnp.linalg.norm(kernel - truth) / jnp.linalg.norm(truth)


def moments(kernel):
    """Width of a kernel `[20, 20]` along and across its longer axis; NumPy.

    Returns:
      Two standard deviations in pixels, the greater first, and the angle of its axis
      in degrees, 0 .. 180; about the centre of mass. What a kernel has of negative
      variance, as the bicubic may, is 0.
    """
    weights = np.asarray(kernel, np.float64)
    centre = (_GRID * weights).sum(axis=(1, 2)) / weights.sum()
    offsets = _GRID - centre[:, None, None]
    covariance = np.einsum("iab,jab,ab->ij", offsets, offsets, weights) / weights.sum()
    variances, axes = np.linalg.eigh(covariance)
    x, y = axes[:, 1]
    s2, s1 = np.sqrt(np.maximum(variances, 0))
    return s1, s2, np.rad2deg(np.arctan2(y, x)) % 180


def transfer(kernel):
    """What a blur lets pass: its real frequency response, `[12]`, of `[20, 20]`.

    At a half, once and twice the Nyquist frequency of LR (pi / 4 a pixel of HR), at 0,
    45, 90 and 135 degrees. For a Gaussian `exp(-w^T C w / 2)`, its covariance in other
    words; unlike a covariance it also tells the bicubic kernel, a disk or a motion from
    one another. In -1 .. 1.
    """
    angles = np.arange(4) * np.pi / 4
    radii = np.array([0.5, 1, 2]) * np.pi / SCALE
    waves = radii[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    phases = np.tensordot(waves.reshape(-1, 2), _GRID, 1)  # [12, 20, 20]
    return jnp.tensordot(jnp.asarray(np.cos(phases), kernel.dtype), kernel, 2)


def check(kernel, name: str) -> np.ndarray:
    """Returns `kernel` as float32 `[20, 20]` on the host, or raises a ValueError.

    Asks for float32 or float64, the shape, finite taps and a sum within 1e-3 of one;
    `name` says in the error where the kernel came from.
    """
    kernel = np.asarray(kernel)
    if kernel.shape != (TAPS, TAPS):
        found = f"shape {kernel.shape}"
    elif kernel.dtype not in (np.float32, np.float64):
        found = f"dtype {kernel.dtype}"
    elif not np.isfinite(kernel).all():
        found = "taps that are not finite"
    elif abs(kernel.sum(dtype=np.float64) - 1) > 1e-3:
        found = f"sum {kernel.sum(dtype=np.float64):.6g}; divide it by its sum"
    else:
        return kernel.astype(np.float32)
    raise ValueError(
        f"{name}: a kernel is float32 or float64 [{TAPS}, {TAPS}], finite, "
        f"with sum 1; found {found}"
    )


def _normalised(kernel):
    return (kernel / kernel.sum()).astype(np.float32)
