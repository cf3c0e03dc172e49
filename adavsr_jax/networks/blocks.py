"""What the two networks share: the 3 x 3 convolution and the residual trunk."""

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from flax import linen as nn

from adavsr_jax import convolution

_CODE_FEATURES = 32


def convolve3x3(features, **keywords):
    """A 3 x 3 convolution `[B, H, W, Ci] -> [B, H, W, features]`, zeros outside."""
    return nn.Conv(
        features,
        (3, 3),
        padding="SAME",
        conv_general_dilated=convolution.conv_general_dilated,
        **keywords,
    )


def trunk_radius(num_blocks):
    """Pixels that an output pixel of a `Trunk` of so many blocks sees to each side."""
    return 2 * num_blocks + 2


class Trunk(nn.Module):
    """Head, residual blocks (convolution, ReLU, convolution), tail: an EDSR in small.

    No normalisation layer: its statistics would be a second, hidden adaptation. A
    `code` of what is known beforehand scales and shifts the channels inside each block
    (FiLM; Perez et al. 2018), by nothing at first.

    Attributes:
      channels: width of every block.
      blocks: their number.
      features: output channels.
      tail: draws the last convolution; at zero, an untrained network is the
        interpolation it corrects.
      mix: `[B, H, W, channels]` to the same, before every block: what images of one
        batch tell each other.
      dtype: that convolutions are done in, bfloat16 where it is fast; by default the
        parameters'. These stay as they are, and so does the output.
    """

    channels: int
    blocks: int
    features: int
    mix: Callable | None = None
    tail: Callable = nn.initializers.zeros
    dtype: Any = None

    @nn.compact
    def __call__(self, image, code=None, inside=None):
        """`[B, H, W, C] -> [B, H, W, features]`; `code [D]` is one for all of B.

        `inside`, 0 or 1, `[1, H, 1, 1]` or a like: what of the image is there. The rest
        is as the zeros around it, so that one program serves images of many sizes.
        """
        bounded = (lambda x: x) if inside is None else (lambda x: x * inside)
        convolve = functools.partial(convolve3x3, dtype=self.dtype)
        if code is not None:
            code = nn.relu(nn.Dense(_CODE_FEATURES)(code))
        x = bounded(nn.relu(convolve(self.channels)(bounded(image))))
        for _ in range(self.blocks):
            y = convolve(self.channels)(x if self.mix is None else self.mix(x))
            if code is not None:
                film = nn.Dense(2 * self.channels, kernel_init=nn.initializers.zeros)
                known = film(code)[None, None, None].astype(y.dtype)
                scale, shift = jnp.split(known, 2, axis=-1)
                y = y * (1 + scale) + shift
            x = x + bounded(convolve(self.channels)(bounded(nn.relu(y))))
        return convolve(self.features, kernel_init=self.tail)(x).astype(image.dtype)
