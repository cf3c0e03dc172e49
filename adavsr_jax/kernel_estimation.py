"""A network that looks at a low-resolution shot and names its blur.

Its answer is a Gaussian in log-Cholesky form, `C = L L^T`, `L = [[e^a, 0], [b, e^c]]`:
any `(a, b, c)` is a covariance and no two are the same one, without the jump that an
angle has at pi. With each number comes its own expected error, and with all of them
the probability that the blur is no Gaussian but the bicubic kernel.

Departure: the paper takes its kernels from estimators of others ([41], [48]); ours is
trained on the degradations that the networks are trained on.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from adavsr_jax import degradation, kernels, pixels, tasks
from adavsr_jax.networks import blocks

# What is looked at of a shot: enough to average over content, little enough for 2 s.
MAX_FRAMES = 8
MAX_SIDE = 256
_LEAST_SIDE = 8
_LEAST_ENERGY = 1e-5  # of what a flat shot still has


class Answer(NamedTuple):
    """What the network says of one shot.

    Attributes:
      shape: `[3]`, `(a, b, c)` above. log_error: `[3]`, log of their expected error.
      bicubic: scalar, the logit of "this is the bicubic kernel".
    """

    shape: jax.Array
    log_error: jax.Array
    bicubic: jax.Array


class Estimator(nn.Module):
    """Luma of a shot to an `Answer`.

    Convolutions look at differences between neighbouring pixels in four directions.
    Of every layer the logarithms of its channels' energies go on, a power spectrum with
    learned filters: in logarithms contrast is a summand. The last layer's features are
    also averaged with weights of their own (attention): a flat wall says nothing.

    Attributes:
      channels: of the convolutions. features: that are averaged.
    """

    channels: int
    features: int

    @nn.compact
    def __call__(self, frames):
        """`[M, h, w, 3]` float32 in [0, 1], all of one blur; any sizes."""
        x = _differences(pixels.luma(255 * frames) / 255)
        energies = [_log_energy(x)]
        for _ in range(4):
            x = nn.relu(blocks.convolve3x3(self.channels)(x))
            energies.append(_log_energy(x))
        x = blocks.convolve3x3(2 * self.features)(x).reshape(-1, 2, self.features)
        weight, value = nn.softmax(x[:, 0], axis=0), x[:, 1]
        x = jnp.concatenate([*energies, jnp.sum(weight * value, axis=0)])
        x = nn.relu(nn.Dense(128)(x))
        x = nn.Dense(7)(nn.relu(nn.Dense(64)(x)))
        return Answer(x[:3], x[3:6], x[6])


def _differences(luma):
    """`[M, h, w] -> [M, h-1, w-1, 4]`: along x, y and both diagonals, times 8."""
    here, right = luma[:, :-1, :-1], luma[:, :-1, 1:]
    below, across = luma[:, 1:, :-1], luma[:, 1:, 1:]
    steps = [right - here, below - here, across - here, right - below]
    return 8 * jnp.stack(steps, axis=-1)


def _log_energy(features):
    return jnp.log(jnp.mean(features**2, axis=(0, 1, 2)) + _LEAST_ENERGY)


def loss(model, generator, damage):
    """How far the network's answers are from the blurs that it was shown.

    The negative log-likelihood of `(a, b, c)` under the normal distribution that the
    answer gives, and the cross-entropy of the question bicubic or not.

    Args:
      model: an `Estimator`.
      generator: `tasks.Generator`; its kernels and its way to lose frames are drawn.
      damage: `(key, lr) -> lr`, what else happens to a video; see `damaged`.

    Returns:
      A loss as `meta_step.mean_gradient` takes; it traces nothing.
    """

    def value(params, clip, key, progress):
        del progress
        _, damage_key = jax.random.split(key)
        drawn = tasks.of_pretraining(key, generator)
        lr = damage(damage_key, tasks.lowered(clip, drawn))
        answer = model.apply({"params": params}, lr)
        is_bicubic = drawn.blur.is_bicubic.astype(jnp.float32)
        errors = (answer.shape - log_cholesky(drawn.blur)) * jnp.exp(-answer.log_error)
        surprise = jnp.sum(errors**2 / 2 + answer.log_error) * (1 - is_bicubic)
        doubt = jnp.logaddexp(0.0, answer.bicubic) - is_bicubic * answer.bicubic
        metrics = {"loss": surprise + doubt, "surprise": surprise, "doubt": doubt}
        return surprise + doubt, (metrics, ())

    return value


def damaged(key, lr, *, noise, compression, probability):
    """LR `[M, h, w, 3]` as a camera and a codec may leave it, 8 bits again.

    Args:
      key: consumed.
      lr: float32 in [0, 1].
      noise: largest standard deviation of the noise, code values.
      compression: largest step of the quantiser, see `degradation.compress`.
      probability: of either.
    """
    which_key, noise_key, sigma_key, step_key = jax.random.split(key, 4)
    noisy, compressed = jax.random.bernoulli(which_key, jnp.float32(probability), (2,))
    sigma = jax.random.uniform(sigma_key, maxval=noise / 255) * noisy
    lr = lr + sigma * jax.random.normal(noise_key, lr.shape)
    step = jax.random.uniform(step_key, minval=1.0, maxval=compression)
    lr = jnp.where(compressed, degradation.compress(lr, step), lr)
    return pixels.round_to_8_bits(jnp.clip(lr, 0, 1))


class Estimate(NamedTuple):
    """A blur with what is known of it.

    Attributes:
      kernel: `[20, 20]` float32, the mean of what the blur may be.
      gaussian: `[20, 20]` float32, what it is if it is no bicubic kernel.
      error: expected relative error of its widths, the larger of the two diagonal
        `log_error`s; 0.1 is ten percent.
      bicubic: probability that it is the bicubic kernel.
    """

    kernel: jax.Array
    gaussian: jax.Array
    error: jax.Array
    bicubic: jax.Array


def estimate(model, params, lr):
    """The blur of a shot, `[M, h, w, 3]` uint8 as `seen` gives: an `Estimate`.

    A bicubic kernel and a Gaussian of 1.5 pixels are hardly told apart, and what takes
    one for the other loses most: the mean of both loses least.
    """
    answer = model.apply({"params": params}, pixels.to_float(lr))
    gaussian, bicubic = from_log_cholesky(answer.shape), nn.sigmoid(answer.bicubic)
    kernel = bicubic * kernels.bicubic() + (1 - bicubic) * gaussian
    # a and c are logarithms: their errors are relative ones.
    error = jnp.exp(jnp.maximum(answer.log_error[0], answer.log_error[2]))
    return Estimate(kernel, gaussian, error, bicubic)


def seen(lr):
    """What `estimate` looks at of a shot `[M, h, w, 3]`: up to 8 frames, 256 x 256.

    Frames are spaced evenly, sides are the middle. Raises a ValueError for frames
    smaller than 8 x 8.
    """
    count, height, width = lr.shape[:3]
    if not count or min(height, width) < _LEAST_SIDE:
        raise ValueError(
            f"the blur is estimated from frames of {_LEAST_SIDE} x {_LEAST_SIDE} or "
            f"more; got {count} of {height} x {width}"
        )
    which = np.linspace(0, count - 1, min(count, MAX_FRAMES)).round().astype(int)
    top, left = (max(0, (size - MAX_SIDE) // 2) for size in (height, width))
    return lr[which, top : top + MAX_SIDE, left : left + MAX_SIDE]


def log_cholesky(parameters: kernels.Parameters):
    """`(a, b, c)`, `[3]`, of the covariance of scalar parameters."""
    cos, sin = jnp.cos(parameters.angle), jnp.sin(parameters.angle)
    along, across = parameters.s1**2, parameters.s2**2
    xx = along * cos**2 + across * sin**2
    yy = along * sin**2 + across * cos**2
    xy = (along - across) * cos * sin
    first = jnp.sqrt(xx)
    below = xy / first
    last = jnp.sqrt(yy - below**2)
    return jnp.stack([jnp.log(first), below, jnp.log(last)])


def from_log_cholesky(shape):
    """The Gaussian kernel, `[20, 20]`, of `(a, b, c)`."""
    first, below, last = jnp.exp(shape[0]), shape[1], jnp.exp(shape[2])
    xx, xy, yy = first**2, first * below, below**2 + last**2
    return kernels.from_covariance(xx, xy, yy)
