"""Consistency with the low-resolution frames: what was restored must reduce to them.

Classical back-projection (Irani and Peleg 1991): the difference that is left is
up-sampled and added, again and again. Departure: not in the paper.
"""

import jax

from adavsr_jax import degradation, resampling

# Input pixels that one step sees to each side: two of the reduction's taps, two more of
# the up-sampling's, and the pixel that they end in.
_RADIUS = 5


def radius(times):
    """Input pixels that a pixel of so many steps sees to each side."""
    return _RADIUS * times


def back_project(hr, lr, kernel, times):
    """Moves restored frames toward those whose reduction is the input.

    Args:
      hr: `[..., 4h, 4w, C]` floats in [0, 1].
      lr: `[..., h, w, C]`, the frames that `hr` was restored from.
      kernel: `[20, 20]`, the blur between them, known or estimated.
      times: how often, static; 0 changes nothing.

    Returns:
      As `hr`, not clipped.
    """

    def step(_, hr):
        return hr + resampling.upsample(lr - degradation.blur_and_reduce(hr, kernel))

    return jax.lax.fori_loop(0, times, step, hr)
