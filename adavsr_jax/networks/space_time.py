"""The pair, joined: `V~_LR = F_theta(V_LR)`, `V~_HR = S_phi(V~_LR)` (paper eq. 3)."""

import math

import jax
import jax.numpy as jnp
import numpy as np
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

    def window(self, frames, kernel, *, count, first, length):
        """Of a shot that is longer, the frames that a pass of `restoration` adds.

        What SSR does not need it is not given.

        Args:
          frames, kernel: as above; from `count` on they repeat the last before.
          count: how many frames are there. first: of them, where the window begins.
            Both traced or not.
          length: of the window, input frames.

        Returns:
          `[B, 2 length, 4h, 4w, C]`, from frame `2 first` on. Equal to the frames of
          the whole if `frames` reach as far around as `radius` says or to the end of
          the shot; what a frame sees of others only approximately (`ssr.radius`) is
          so here.
        """
        # Around a window that is the whole video there is nothing to see.
        reach = self.ssr.radius[0] * (frames.shape[1] > length)
        between = self.tsr(frames, count)
        last = 2 * count - 2
        # Frames that are not there are given some values; which one it is, is not seen,
        # but by a recurrence.
        which = np.arange(-reach, 2 * frames.shape[1] + reach)
        between = jnp.take(between, jnp.clip(which, 0, last), axis=1)
        wanted = 2 * length + 2 * reach
        between = jax.lax.dynamic_slice_in_dim(between, 2 * first, wanted, axis=1)
        ends = reach - 2 * first, last + reach - 2 * first
        return self.ssr(between, kernel, ends)[:, reach : reach + 2 * length]
