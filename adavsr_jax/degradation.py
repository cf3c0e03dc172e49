"""From high to low resolution: blur and reduction in space, a lower frame rate.

The half-pixel grid of `resampling`: low-resolution pixel `i` sits at high-resolution
coordinate `4 i + 1.5`, borders are mirrored with the edge pixel repeated. Frames are
floats `[..., T, H, W, C]`; what concerns space alone takes any `[..., H, W, C]`.
"""

import functools

import jax.numpy as jnp
import numpy as np
import scipy.fft

from adavsr_jax import kernels, pixels, resampling

_SCALE = kernels.SCALE
# A kernel of 20 taps is 5 x 5 blocks of 4 x 4 phases; its first tap is 8 pixels out.
_BLOCKS = kernels.TAPS // _SCALE
_MARGIN = 2 * _SCALE

_BLOCK = 8  # pixels, of `compress`

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
    *lead, _, _, channels = frames.shape
    edges = ((0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0))
    flat = frames.reshape(-1, height, width, channels)
    phases = resampling.space_to_depth(jnp.pad(flat, edges, mode="symmetric"))
    phases = phases.reshape(*phases.shape[:-1], _SCALE**2, channels)
    # [block row, phase row, block column, phase column] -> [block, phase]
    taps = kernel.reshape(_BLOCKS, _SCALE, _BLOCKS, _SCALE).transpose(0, 2, 1, 3)
    taps = taps.reshape(_BLOCKS**2, _SCALE**2).astype(frames.dtype)
    # At full precision: accelerators would round the pixels to fewer bits.
    parts = jnp.tensordot(taps, phases, ((1,), (-2,)), precision="highest")
    h, w = height // _SCALE, width // _SCALE
    blocks = [(row, column) for row in range(_BLOCKS) for column in range(_BLOCKS)]
    reduced = sum(
        parts[index, :, row : row + h, column : column + w]
        for index, (row, column) in enumerate(blocks)
    )
    return reduced.reshape(*lead, h, w, channels)


def compress(frames, step):
    """What a lossy codec loses: `[..., H, W, C]` floats in [0, 1], blocks of 8 x 8.

    Each block's cosine transform is rounded, as JPEG and the codecs after it do: to
    multiples of `step` code values at its mean, of eight times that at its finest
    detail (linear between). No colour transform, no prediction in time; rows and
    columns beyond the last whole block stay as they are.
    """
    *lead, height, width, channels = frames.shape
    rows, columns = height // _BLOCK, width // _BLOCK
    whole = frames[..., : rows * _BLOCK, : columns * _BLOCK, :]
    shape = (*lead, rows, _BLOCK, columns, _BLOCK, channels)
    cosines = jnp.asarray(scipy.fft.dct(np.eye(_BLOCK), axis=0, norm="ortho"))
    cosines = cosines.astype(frames.dtype)
    product = functools.partial(jnp.einsum, precision="highest")
    blocks = product("...iajbc,ua,vb->...iujvc", whole.reshape(shape), cosines, cosines)
    order = np.arange(_BLOCK)
    steepness = 1 + 7 * (order[:, None] + order[None, :]) / (2 * _BLOCK - 2)
    # The mean of a block of ones has the coefficient 8 in an orthonormal transform.
    unit = jnp.asarray(steepness[:, None, :, None], frames.dtype) * step * 8 / 255
    unit = jnp.expand_dims(unit, range(blocks.ndim - unit.ndim))
    blocks = jnp.round(blocks / unit) * unit
    blocks = product("...iujvc,ua,vb->...iajbc", blocks, cosines, cosines)
    return frames.at[..., : rows * _BLOCK, : columns * _BLOCK, :].set(
        blocks.reshape(whole.shape)
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
