"""How frames of a video see each other inside SSR: side by side, shifted, in turn."""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn

from adavsr_jax.networks import blocks


def window(frames, ends=None):
    """Every frame beside the one before and the one after, channels side by side.

    `[B, T, h, w, C] -> [B, T, h, w, 3C]`; the first and the last frame are repeated,
    which they are is `ends`, see `shift`.
    """
    sides = _earlier(frames, ends), _later(frames, ends)
    return jnp.concatenate([sides[0], frames, sides[1]], axis=-1)


def shift(features, count, ends=None):
    """A quarter of the channels from the frame before, a quarter from the one after.

    Costs no operation, and every block that does so sees a frame further (TSM; Lin et
    al. 2019).

    Args:
      features: `[B * T, h, w, C]`.
      count: T.
      ends: numbers of the first and the last frame of the video, where there are others
        before and after, which these do not see; traced or not. None: 0 and T - 1.
    """
    video = features.reshape(-1, count, *features.shape[1:])
    quarter = features.shape[-1] // 4
    parts = (
        _earlier(video[..., :quarter], ends),
        _later(video[..., quarter : 2 * quarter], ends),
        video[..., 2 * quarter :],
    )
    return jnp.concatenate(parts, axis=-1).reshape(features.shape)


class Recurrence(nn.Module):
    """Features handed on from frame to frame, from the last to the first and back.

    `[B, T, h, w, C] -> [B, T, h, w, channels]`, the past and the future of the whole
    video in each (BasicVSR without alignment; Chan et al. 2021).

    Attributes:
      channels, blocks, dtype: of either direction's trunk.
    """

    channels: int
    blocks: int
    dtype: Any = None

    @nn.compact
    def __call__(self, frames, code=None):
        """Frames `[B, T, h, w, C]`, and a code as `blocks.Trunk` takes it or None."""
        size = self.channels, self.blocks, self.dtype
        backward = _Direction(*size, name="backward")
        forward = _Direction(*size, name="forward")
        future = backward(frames, code, reverse=True)
        return forward(jnp.concatenate([frames, future], axis=-1), code, reverse=False)


class _Direction(nn.Module):
    channels: int
    blocks: int
    dtype: Any

    @nn.compact
    def __call__(self, frames, code, *, reverse):
        def step(cell, hidden, frame):
            seen = jnp.concatenate([frame, hidden], axis=-1)
            hidden = cell(seen, code)
            return hidden, hidden

        cell = blocks.Trunk(
            self.channels,
            self.blocks,
            self.channels,
            tail=nn.initializers.lecun_normal(),
            dtype=self.dtype,
            name="cell",
        )
        scan = nn.scan(
            step,
            variable_broadcast="params",
            split_rngs={"params": False},
            in_axes=1,
            out_axes=1,
            reverse=reverse,
        )
        # Zeros, made of the frames so that they vary over a mesh as these do.
        first = jnp.repeat(frames[:, 0, ..., :1] * 0, self.channels, axis=-1)
        return scan(cell, first, frames)[1]


def _earlier(video, ends):
    moved = jnp.concatenate([video[:, :1], video[:, :-1]], axis=1)
    return moved if ends is None else _keep(ends[0], video, moved)


def _later(video, ends):
    moved = jnp.concatenate([video[:, 1:], video[:, -1:]], axis=1)
    return moved if ends is None else _keep(ends[1], video, moved)


def _keep(number, video, moved):
    """One frame of `video`, all others of `moved`."""
    at = jnp.arange(video.shape[1])[:, None, None, None] == number
    return jnp.where(at[None], video, moved)
