"""Spatial super-resolution S_phi (paper section 3.1, eq. 1): four times the size."""

import jax.numpy as jnp
from flax import linen as nn

from adavsr_jax import kernels, resampling
from adavsr_jax.networks import blocks


class SSR(nn.Module):
    """Every frame to four times its height and width.

    A residual over bicubic up-sampling: each frame is seen with its two neighbours in
    time, all convolutions run at low resolution, and depth-to-space makes the pixels.

    Departure: the paper names no architecture.

    Attributes:
      channels, blocks: of the trunk.
      conditioned: whether it is told the blur, by `kernels.transfer`, and trained to
        undo just that one: the rival of adaptation, and a better place to adapt from.
    """

    channels: int
    blocks: int
    conditioned: bool = False

    @property
    def radius(self):
        """(input frames, input pixels) that an output pixel sees to each side."""
        # Never below the two pixels under the bicubic.
        return 1, blocks.trunk_radius(self.blocks)

    @nn.compact
    def __call__(self, frames, kernel=None):
        """Four times the height and width of every frame.

        Args:
          frames: `[B, T, h, w, C]`, float32 in [0, 1]; any sizes.
          kernel: `[20, 20]`, the blur of all frames, if `conditioned`; else not used.

        Returns:
          `[B, T, 4h, 4w, C]`.

        Raises:
          ValueError: a conditioned network is told no kernel.
        """
        code = None
        if self.conditioned:
            if kernel is None:
                raise ValueError("this network is conditioned: give it the kernel")
            code = kernels.transfer(kernel)
        b, t, h, w, c = frames.shape
        before = jnp.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
        after = jnp.concatenate([frames[:, 1:], frames[:, -1:]], axis=1)
        window = jnp.concatenate([before, frames, after], axis=-1)  # [B, T, h, w, 3C]
        network = blocks.Trunk(self.channels, self.blocks, 16 * c, name="trunk")
        phases = network(window.reshape(b * t, h, w, 3 * c), code)
        detail = resampling.depth_to_space(phases).reshape(b, t, 4 * h, 4 * w, c)
        return resampling.upsample(frames) + detail
