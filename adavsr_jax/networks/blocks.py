"""What the two networks share: the 3 x 3 convolution and the residual trunk."""

from flax import linen as nn

from adavsr_jax import convolution


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

    No normalisation layer: its statistics would be a second, hidden adaptation.

    Attributes:
      channels: width of every block.
      blocks: their number.
      features: output channels. The tail starts at zero, so that an untrained network
        is the interpolation it corrects.
    """

    channels: int
    blocks: int
    features: int

    @nn.compact
    def __call__(self, image):
        """`[B, H, W, C] -> [B, H, W, features]`."""
        x = nn.relu(convolve3x3(self.channels)(image))
        for _ in range(self.blocks):
            y = nn.relu(convolve3x3(self.channels)(x))
            x = x + convolve3x3(self.channels)(y)
        return convolve3x3(self.features, kernel_init=nn.initializers.zeros)(x)
