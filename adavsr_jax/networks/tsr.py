"""Temporal super-resolution F_theta on temporal profiles (paper section 3.1, eq. 2)."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from adavsr_jax import resampling
from adavsr_jax.networks import blocks


class TSR(nn.Module):
    """`M` frames to `2M - 1` of the same size.

    The profile generator f_r is bicubic interpolation along time; a residual network
    then sees the video as x-t and as y-t slices, each an image for a 2-D convolution,
    and adds the mean of its two opinions. One network serves both, so a transposed
    video gives the transposed result.

    Departure: the paper names no architecture; slices as images follow its reference
    [67] (Xiao et al., MM 2020). Given frames are corrected too, since under `mean3`
    they are blurred in time.

    Attributes:
      channels, blocks, dtype: of the trunk, see `blocks.Trunk`.
    """

    channels: int
    blocks: int
    dtype: Any = None

    @property
    def radius(self):
        """(input frames, input pixels) that an output pixel sees to each side."""
        in_output_frames = blocks.trunk_radius(self.blocks)
        # Half the rate, and two more input frames under the bicubic of the profile.
        return in_output_frames // 2 + 2, in_output_frames

    @nn.compact
    def __call__(self, frames, count=None):
        """`[B, M, h, w, C]`, float32 in [0, 1], to `[B, 2M-1, h, w, C]`; any sizes.

        With `count` (1 .. M, traced or not) the first `2 count - 1` frames are those of
        so many, if the rest of `frames` repeats the last of them: one program then
        serves shots of many lengths.
        """
        profile = resampling.interpolate_bicubic(frames)
        b, t, h, w, c = profile.shape
        inside = None
        if count is not None:
            there = np.arange(t) < 2 * count - 1
            inside = there.astype(profile.dtype)[None, :, None, None]
        network = blocks.Trunk(
            self.channels, self.blocks, c, dtype=self.dtype, name="slices"
        )
        xt = profile.transpose(0, 2, 1, 3, 4).reshape(b * h, t, w, c)
        yt = profile.transpose(0, 3, 1, 2, 4).reshape(b * w, t, h, c)
        across = (
            network(xt, inside=inside).reshape(b, h, t, w, c).transpose(0, 2, 1, 3, 4)
        )
        down = (
            network(yt, inside=inside).reshape(b, w, t, h, c).transpose(0, 2, 3, 1, 4)
        )
        return profile + jnp.float32(0.5) * (across + down)  # [B, 2M-1, h, w, C]
