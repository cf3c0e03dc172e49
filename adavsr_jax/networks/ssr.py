"""Spatial super-resolution S_phi (paper section 3.1, eq. 1): four times the size."""

import functools
from typing import Any

import jax.numpy as jnp
from flax import linen as nn

from adavsr_jax import kernels, resampling
from adavsr_jax.networks import blocks, in_time

DESIGNS = ("single", "window", "shift", "recurrent")


class SSR(nn.Module):
    """Every frame to four times its height and width.

    A residual over bicubic up-sampling: all convolutions run at low resolution, and
    depth-to-space makes the pixels.

    Departure: the paper names no architecture.

    Attributes:
      channels, blocks: of the trunk; of a recurrence half the blocks in each direction.
      conditioned: whether it is told the blur, by `kernels.transfer`, and trained to
        undo just that one: the rival of adaptation, and a better place to adapt from.
      design: what a frame sees of the others, one of `DESIGNS`: `single` nothing,
        `window` its two neighbours, `shift` one more frame to each side with every
        block, `recurrent` all (`in_time`).
      context: how many learned numbers stand beside the kernel, or in its place, for
        adaptation to set (CAVIA; Zintgraf et al. 2019).
      dtype: of the trunk's convolutions, see `blocks.Trunk`.
    """

    channels: int
    blocks: int
    conditioned: bool = False
    design: str = "window"
    context: int = 0
    dtype: Any = None

    @property
    def radius(self):
        """(input frames, input pixels) that an output pixel sees to each side.

        A recurrence sees them all; it has forgotten what is further than told here, and
        what it restores window by window differs a little from the whole.
        """
        # Never below the two pixels under the bicubic.
        reach = {"single": 0, "window": 1, "shift": 1 + self.blocks, "recurrent": 8}
        return reach[self.design], blocks.trunk_radius(self.blocks)

    @nn.compact
    def __call__(self, frames, kernel=None, ends=None):
        """Four times the height and width of every frame.

        Args:
          frames: `[B, T, h, w, C]`, float32 in [0, 1]; any sizes.
          kernel: `[20, 20]`, the blur of all frames, if `conditioned`; else not used.
          ends: where the video begins and ends, see `in_time.shift`; a recurrence
            takes what lies outside for frames like others.

        Returns:
          `[B, T, 4h, 4w, C]`.

        Raises:
          ValueError: a conditioned network is told no kernel.
        """
        known = []
        if self.conditioned:
            if kernel is None:
                raise ValueError("this network is conditioned: give it the kernel")
            known.append(kernels.transfer(kernel))
        if self.context:
            draw = nn.initializers.normal(1.0)
            known.append(self.param("context", draw, (self.context,)))
        code = jnp.concatenate(known) if known else None
        b, t, h, w, c = frames.shape
        phases = self._phases(frames, code, ends).reshape(b * t, h, w, 16 * c)
        detail = resampling.depth_to_space(phases).reshape(b, t, 4 * h, 4 * w, c)
        return resampling.upsample(frames) + detail

    def _phases(self, frames, code, ends):
        """`[B, T, h, w, C]` to the 16 phases of the detail, `[.., 16C]`."""
        b, t, h, w, c = frames.shape
        if self.design == "recurrent":
            frames = in_time.Recurrence(
                self.channels, self.blocks // 2, self.dtype, name="recurrence"
            )(frames, code)
            tail = blocks.convolve3x3(
                16 * c, kernel_init=nn.initializers.zeros, name="tail"
            )
            return tail(frames.reshape(b * t, h, w, self.channels))
        seen = frames if self.design == "single" else in_time.window(frames, ends)
        mix = None
        if self.design == "shift":
            mix = functools.partial(in_time.shift, count=t, ends=ends)
        trunk = blocks.Trunk(
            self.channels, self.blocks, 16 * c, mix, dtype=self.dtype, name="trunk"
        )
        return trunk(seen.reshape(b * t, h, w, -1), code)
