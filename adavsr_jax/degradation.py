"""From high to low resolution and, without a network, back again.

Every resampling keeps the half-pixel grid: low-resolution pixel `i` sits at
high-resolution coordinate `4 i + 1.5`, and borders are mirrored with the edge pixel
repeated. Frames are floats `[..., T, H, W, C]`; what concerns space alone takes any
`[..., H, W, C]`.
"""

import jax
import jax.numpy as jnp
import numpy as np

from adavsr_jax import kernels, pixels

_SCALE = kernels.SCALE
# A kernel of 20 taps is 5 x 5 blocks of 4 x 4 phases; its first tap is 8 pixels out.
_BLOCKS = kernels.TAPS // _SCALE
_MARGIN = 2 * _SCALE

_REDUCTIONS = ("drop", "mean3")


def degrade(frames, kernel, how):
    """The low-resolution, low-frame-rate clip that a camera would have left.

    Args:
      frames: floats `[..., T, H, W, C]` in [0, 1], H and W multiples of 4.
      kernel: `[20, 20]`, see `kernels`.
      how: `drop` or `mean3`, see `reduce_time`.

    Returns:
      `[..., (T + 1) // 2, H/4, W/4, C]`, rounded to 8 bits as in a file.
    """
    return pixels.round_to_8_bits(blur_and_reduce(reduce_time(frames, how), kernel))


def blur_and_reduce(frames, kernel):
    """Blurs `[..., H, W, C]` with `kernel [20, 20]` and keeps one pixel in 4 x 4.

    `lr[i, j] = sum_{a, b} kernel[a, b] * hr[4 i - 8 + a, 4 j - 8 + b]`: a correlation
    sampled at `4 i + 1.5`. Returns `[..., H/4, W/4, C]`; raises a ValueError where H
    or W is no multiple of 4.

    It is one dense 5 x 5 convolution over the 16 phases, written as a matrix product
    and a sum of 25 shifts: on a CPU twice as fast as XLA's convolution with a single
    output channel, and under `vmap` over kernels it stays a batched product where a
    convolution would become a grouped one, 15 times as slow.
    """
    height, width = frames.shape[-3:-1]
    if height % _SCALE or width % _SCALE:
        raise ValueError(
            f"frames of {height} x {width} cannot be reduced by {_SCALE}: crop height "
            f"and width to multiples of {_SCALE}"
        )
    phases = space_to_depth(_mirror(frames, _MARGIN), _SCALE)
    phases = phases.reshape(*phases.shape[:-1], _SCALE**2, frames.shape[-1])
    # [block row, phase row, block column, phase column] -> [block, phase]
    taps = kernel.reshape(_BLOCKS, _SCALE, _BLOCKS, _SCALE).transpose(0, 2, 1, 3)
    taps = taps.reshape(_BLOCKS**2, _SCALE**2).astype(frames.dtype)
    # At full precision: accelerators would round the pixels to fewer bits.
    parts = jnp.tensordot(taps, phases, ((1,), (-2,)), precision="highest")
    h, w = height // _SCALE, width // _SCALE
    blocks = [(row, column) for row in range(_BLOCKS) for column in range(_BLOCKS)]
    return sum(
        parts[index, ..., row : row + h, column : column + w, :]
        for index, (row, column) in enumerate(blocks)
    )


def reduce_time(frames, how):
    """Halves the frame rate of `[..., T, H, W, C]`: `(T + 1) // 2` frames are left.

    Frame `t` is frame `2t` (`drop`) or the mean of `2t - 1, 2t, 2t + 1`, the first and
    the last repeated outward (`mean3`). Raises a ValueError for another `how`.
    """
    if how not in _REDUCTIONS:
        raise ValueError(
            f"unknown way {how!r} to reduce time: {' or '.join(_REDUCTIONS)}"
        )
    given = frames[..., ::2, :, :, :]
    if how == "drop":
        return given
    count, last = given.shape[-4], frames.shape[-4] - 1
    before = frames[..., np.maximum(2 * np.arange(count) - 1, 0), :, :, :]
    after = frames[..., np.minimum(2 * np.arange(count) + 1, last), :, :, :]
    return (before + given + after) / 3


def trilinear(frames):
    """The floor of every table: `[..., M, h, w, C]` -> `[..., 2M - 1, 4h, 4w, C]`."""
    return interpolate_linear(upsample(frames))


def upsample(frames):
    """Bicubic (a = -0.5, 4 taps) from `[..., h, w, C]` to `[..., 4h, 4w, C]`."""
    return _upsample_axis(_upsample_axis(frames, -3), -2)


def interpolate_linear(frames):
    """A frame between each two: `[..., T, H, W, C]` -> `[..., 2T - 1, H, W, C]`.

    Given frames are kept exactly, those between are the mean of their neighbours.
    """
    return _interleave(
        frames, (frames[..., :-1, :, :, :] + frames[..., 1:, :, :, :]) / 2
    )


def interpolate_bicubic(frames):
    """As `interpolate_linear`, with weights `(-1, 9, 9, -1) / 16` in between."""
    count = frames.shape[-4]
    padding = [(0, 0)] * frames.ndim
    padding[-4] = (1, 1)
    padded = jnp.pad(frames, padding, mode="symmetric")
    inner = frames[..., :-1, :, :, :] + frames[..., 1:, :, :, :]
    outer = padded[..., : count - 1, :, :, :] + padded[..., 3:, :, :, :]
    return _interleave(frames, (9 * inner - outer) / 16)


def space_to_depth(frames, block):
    """`[..., H, W, C]` -> `[..., H/block, W/block, block * block * C]`.

    Channels are ordered (row in block, column in block, channel).
    """
    *lead, height, width, channels = frames.shape
    shape = (height // block, block, width // block, block, channels)
    blocks = jnp.swapaxes(frames.reshape(*lead, *shape), -4, -3)
    return blocks.reshape(*lead, shape[0], shape[2], block * block * channels)


def depth_to_space(frames, block):
    """The inverse of `space_to_depth`: `[..., h, w, block * block * C]`."""
    *lead, h, w, depth = frames.shape
    channels = depth // (block * block)
    blocks = jnp.swapaxes(frames.reshape(*lead, h, w, block, block, channels), -4, -3)
    return blocks.reshape(*lead, h * block, w * block, channels)


def _mirror(frames, margin):
    padding = [(0, 0)] * (frames.ndim - 3) + [
        (margin, margin),
        (margin, margin),
        (0, 0),
    ]
    return jnp.pad(frames, padding, mode="symmetric")


def _upsample_axis(frames, axis):
    """Four output samples a pixel; each is four taps of the five around it."""
    size = frames.shape[axis]
    padding = [(0, 0)] * frames.ndim
    padding[axis] = (2, 2)
    padded = jnp.pad(frames, padding, mode="symmetric")
    shifted = [
        jax.lax.slice_in_dim(padded, shift, shift + size, axis=axis)
        for shift in range(5)
    ]
    phases = (np.arange(_SCALE) + 0.5) / _SCALE - 0.5
    samples = [
        sum(
            float(kernels.cubic(phase - (shift - 2))) * part
            for shift, part in enumerate(shifted)
            if abs(phase - (shift - 2)) < 2
        )
        for phase in phases
    ]
    shape = list(frames.shape)
    shape[axis] = _SCALE * size
    return jnp.stack(samples, axis=frames.ndim + axis + 1).reshape(shape)


def _interleave(given, between):
    """`T` frames and the `T - 1` between them, in order, along axis -4."""
    padding = [(0, 0)] * given.ndim
    padding[-4] = (0, 1)
    pairs = jnp.stack([given, jnp.pad(between, padding)], axis=given.ndim - 3)
    count = given.shape[-4]
    shape = (*given.shape[:-4], 2 * count, *given.shape[-3:])
    return pairs.reshape(shape)[..., : 2 * count - 1, :, :, :]
