"""The pair, joined: `V~_LR = F_theta(V_LR)`, `V~_HR = S_phi(V~_LR)` (paper eq. 3)."""

import math

from flax import linen as nn

from adavsr_jax.networks import ssr as ssr_module
from adavsr_jax.networks import tsr as tsr_module


class SpaceTime(nn.Module):
    """Low-rate, low-resolution video in; twice the rate and four times the size out.

    Parameters are a dict `{"tsr": ..., "ssr": ...}`, theta and phi.
    """

    tsr: tsr_module.TSR
    ssr: ssr_module.SSR

    @property
    def radius(self):
        """(input frames, input pixels) that an output pixel sees to each side."""
        frames, pixels = self.tsr.radius
        at_twice_the_rate, more_pixels = self.ssr.radius
        return frames + math.ceil(at_twice_the_rate / 2), pixels + more_pixels

    def __call__(self, frames, kernel=None):
        """Both levels, since the loss of eq. 4 looks at both.

        Args:
          frames: `[B, M, h, w, C]` float32 in [0, 1]; any M, h, w >= 1.
          kernel: `[20, 20]`, their blur, if SSR is `conditioned`.

        Returns:
          `[B, 2M-1, h, w, C]` from TSR and `[B, 2M-1, 4h, 4w, C]` from SSR after it.
        """
        between = self.tsr(frames)
        return between, self.ssr(between, kernel)
