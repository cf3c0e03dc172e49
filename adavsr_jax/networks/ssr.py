"""Spatial super-resolution S_phi (paper section 3.1, eq. 1): four times the size."""

import jax.numpy as jnp
from flax import linen as nn

from adavsr_jax import resampling
from adavsr_jax.networks import blocks


class SSR(nn.Module):
    """Every frame to four times its height and width.

    A residual over bicubic up-sampling: each frame is seen with its two neighbours in
    time, all convolutions run at low resolution, and depth-to-space makes the pixels.

    Departure: the paper names no architecture.
    """

    channels: int
    blocks: int

    @property
    def radius(self):
        """(input frames, input pixels) that an output pixel sees to each side."""
        # Never below the two pixels under the bicubic.
        return 1, blocks.trunk_radius(self.blocks)

    @nn.compact
    def __call__(self, frames):
        """`[B, T, h, w, C]`, float32 in [0, 1], to `[B, T, 4h, 4w, C]`; any sizes."""
        b, t, h, w, c = frames.shape
        before = jnp.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
        after = jnp.concatenate([frames[:, 1:], frames[:, -1:]], axis=1)
        window = jnp.concatenate([before, frames, after], axis=-1)  # [B, T, h, w, 3C]
        network = blocks.Trunk(self.channels, self.blocks, 16 * c, name="trunk")
        phases = network(window.reshape(b * t, h, w, 3 * c))
        detail = resampling.depth_to_space(phases).reshape(b, t, 4 * h, 4 * w, c)
        return resampling.upsample(frames) + detail
