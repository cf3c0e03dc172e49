"""The dynamic task generator (paper section 3.1): clips become problems to adapt to.

A task is a way of losing resolution, a blur kernel and a way of dropping frames,
applied to one clip twice over. HR frames become an LR clip, the query; the LR clip
becomes an SLR clip (super-low resolution), the support:

    support   V_ts -> V_s -> V_LR      SLR at half the rate, SLR, LR    (paper D_tr)
    query     V_LR -> V~_LR -> V_HR    LR at half the rate, LR, HR      (paper D_te)
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from adavsr_jax import degradation, kernels, pixels

RELATIONS = ("matched", "independent", "jitter", "estimated")
# How often large-scale training tells the truth all the same. An estimate from a crop
# is less sure than one from a whole shot, and a person may know the blur.
_TRUTH_SHARE = 0.5
_STREAMS = 4  # keys of a task: query, support, jitter, crop


class Pair(NamedTuple):
    """Input and both targets of one level; float32 in [0, 1].

    Attributes:
      lfr: `[B, T, h, w, 3]`, low rate and low resolution: the input.
      hfr: `[B, 2T-1, h, w, 3]`, the target of TSR.
      hr: `[B, 2T-1, 4h, 4w, 3]`, the target of SSR.
      kernel: `[20, 20]`, what a conditioned network is told of the blur between `hr`
        and `hfr`.
    """

    lfr: jax.Array
    hfr: jax.Array
    hr: jax.Array
    kernel: jax.Array


class Task(NamedTuple):
    """What is adapted on and what the adapted weights are judged by."""

    support: Pair
    query: Pair


@dataclasses.dataclass(frozen=True)
class Generator:
    """How tasks are drawn.

    Attributes:
      kernels: distribution of the blur.
      relation: of the support's degradation T_i to the query's T_j.
        `matched`: the same. Departure: eq. 7 sums over T_j != T_i, but a video and its
        own reduction share one blur, and so do they at test time.
        `independent`: two draws, the paper's letter.
        `jitter`: the SLR clip is made with the kernel that an estimate of the true one
        might be, and a conditioned network is told that one; the rest as `matched`.
        `estimated`: as `jitter`, of what `estimate` makes of the query's input.
      mean3_probability: how often frames are averaged in threes before every other one
        is dropped; else they are only dropped.
      query_size: LR pixels, height and width of the query's random crop.
      estimate: of `estimated`: frames `[M, h, w, 3]`, float32 in [0, 1], to a kernel.
    """

    kernels: kernels.Distribution
    relation: str
    mean3_probability: float
    query_size: int
    estimate: Callable[[jax.Array], jax.Array] | None = None

    def __post_init__(self):
        if self.relation not in RELATIONS:
            raise ValueError(
                f"relation must be one of {', '.join(RELATIONS)}; got {self.relation!r}"
            )
        if self.relation == "estimated" and not self.estimate:
            raise ValueError("relation 'estimated' needs a function that estimates")


class Degradation(NamedTuple):
    """One draw of the generator.

    Attributes:
      blur: kernel parameters, scalars.
      mean3: whether frames are averaged in threes, a bool scalar.
    """

    blur: kernels.Parameters
    mean3: jax.Array


def sample(key, generator):
    """One `Degradation`; the key is consumed."""
    blur_key, time_key = jax.random.split(key)
    mean3 = jax.random.bernoulli(time_key, generator.mean3_probability)
    return Degradation(kernels.sample(blur_key, generator.kernels), mean3)


def of_task(key, generator):
    """The `Degradation` of the query that `make` draws with a key."""
    return sample(jax.random.split(key, _STREAMS)[0], generator)


def of_pretraining(key, generator):
    """The `Degradation` that `pretraining` draws with a key."""
    return sample(jax.random.split(key)[0], generator)


def make(key, clip, generator):
    """Draws a task on a clip: Algorithm 1, line 11.

    Args:
      key: consumed.
      clip: `[2M-1, H, W, 3]` uint8, HR at the full rate, M >= 2; H and W multiples of
        16. An even number of frames loses its last one.
      generator: see `Generator`.

    Returns:
      A `Task`. Support: `[B, T, H/16, W/16, 3]` and up, all windows of the M frames
      (see `support`); query: `[1, M, q, q, 3]` and up, q the query size.

    Raises:
      ValueError: the clip is too short, not divisible, or smaller than the query.
    """
    clip = _whole(clip, 16)
    query_key, support_key, jitter_key, crop_key = jax.random.split(key, _STREAMS)
    drawn = sample(query_key, generator)
    hr = pixels.to_float(clip)
    query_video = _levels(hr, drawn)
    if generator.relation == "independent":
        other = sample(support_key, generator)
        level = _levels(hr, other)
        support_pair = support(level.lfr[0], level.kernel, other.mean3)
    else:
        told = _told(jitter_key, query_video, drawn, generator)
        query_video = query_video._replace(kernel=told)
        support_pair = support(query_video.lfr[0], told, drawn.mean3)
    return Task(
        support_pair,
        _crop(crop_key, query_video, generator.query_size),
    )


def pretraining(key, clip, generator):
    """The pairs of large-scale training, D_s and D_t (paper eq. 1 and 2).

    Args:
      key: consumed.
      clip: `[2M-1, H, W, 3]` uint8, M >= 2; H and W multiples of 4.
      generator: its query size is not used, of its relations only `jitter` and
        `estimated` (half of the time): there is no support.

    Returns:
      The `Pair` of the whole clip, `[1, M, h, w, 3]` and up, and a second one for TSR:
      sharp frames at HR, `([1, M, h, w, 3], [1, 2M-1, h, w, 3])`, a random crop of the
      size of an LR frame. Departure: eq. 2 trains TSR on HR frames alone, yet it will
      work on LR and SLR frames; it is trained on both.
    """
    clip = _whole(clip, 4)
    sample_key, crop_key = jax.random.split(key)
    drawn = sample(sample_key, generator)
    hr = pixels.to_float(clip)
    pair = _levels(hr, drawn)
    told_key = jax.random.fold_in(sample_key, 0)
    told = _told(told_key, pair, drawn, generator)
    if generator.relation == "estimated":
        truth = jax.random.bernoulli(told_key, _TRUTH_SHARE)
        told = jnp.where(truth, pair.kernel, told)
    pair = pair._replace(kernel=told)
    size = pair.hfr.shape[2:4]
    sharp = _window(hr[None], _corner(crop_key, hr.shape[1:3], size), size)
    return pair, (_reduce_time(sharp, drawn.mean3), sharp)


def support(lr, kernel, mean3=False):
    """The internal task of an LR clip (Algorithm 2, line 1): SLR in, LR out.

    For an even number of frames M two windows, the frames 0, 2, .. and the frames
    1, 3, .., for an odd one the frames 0, 2, .. alone: either way every frame serves.

    Args:
      lr: `[M, h, w, 3]` float32 in [0, 1], M >= 2; what 4 does not divide is cut off
        at the right and the bottom.
      kernel: `[20, 20]`, the blur between SLR and LR.
      mean3: whether time is averaged, see `Generator`; a boolean, may be traced.

    Returns:
      A `Pair`: `[B, T, h/4, w/4, 3]` with `(B, T) = (2, M/2)` or `(1, (M+1)/2)`.

    Raises:
      ValueError: fewer than 2 frames, or frames smaller than 4 x 4.
    """
    count, height, width = lr.shape[:3]
    if count < 2 or height < 4 or width < 4:
        raise ValueError(
            f"internal learning needs 2 or more frames of 4 x 4 or more; got {lr.shape}"
        )
    lr = lr[:, : height - height % 4, : width - width % 4]
    slr = pixels.round_to_8_bits(degradation.blur_and_reduce(lr, kernel))
    starts = (0, 1) if count % 2 == 0 else (0,)
    length = count - len(starts) + 1
    cut = lambda video: jnp.stack([video[s : s + length] for s in starts])
    return Pair(_reduce_time(cut(slr), mean3), cut(slr), cut(lr), kernel)


def lowered(clip, drawn):
    """What a camera leaves of a clip: `[M, h, w, 3]` float32, of 8 bits.

    Args:
      clip: `[2M-1, H, W, 3]` uint8, M >= 2; H and W multiples of 4.
      drawn: a `Degradation`, see `sample`.
    """
    return _levels(pixels.to_float(_whole(clip, 4)), drawn).lfr[0]


def _told(key, video, drawn, generator):
    """The kernel that is told of a `Pair`: the true one, or an estimate of it."""
    if generator.relation == "jitter":
        return kernels.from_parameters(kernels.jitter(key, drawn.blur))
    if generator.relation == "estimated":
        return generator.estimate(video.lfr[0])
    return video.kernel


def _whole(clip, multiple):
    frames, height, width = clip.shape[:3]
    if frames < 3 or height % multiple or width % multiple:
        raise ValueError(
            f"a clip must have 3 or more frames with sides that {multiple} divides; "
            f"got {frames} of {height} x {width}"
        )
    return clip[: frames - (frames + 1) % 2]


def _levels(hr, drawn):
    """`[2M-1, H, W, 3]` at all three levels: a `Pair` with B = 1."""
    kernel = kernels.from_parameters(drawn.blur)
    blurred = degradation.blur_and_reduce(hr, kernel)
    lfr = _reduce_time(blurred, drawn.mean3)
    hfr = pixels.round_to_8_bits(blurred)
    return Pair(lfr[None], hfr[None], hr[None], kernel)


def _reduce_time(frames, mean3):
    """To half the rate, 8 bits again; the choice may be traced, shapes are equal."""
    ways = [degradation.reduce_time(frames, how) for how in ("mean3", "drop")]
    return pixels.round_to_8_bits(jnp.where(mean3, *ways))


def _corner(key, sizes, wanted):
    limits = jnp.array(
        [size - want + 1 for size, want in zip(sizes, wanted, strict=True)]
    )
    return jax.random.randint(key, (2,), 0, limits)


def _window(frames, corner, sizes):
    return jax.lax.dynamic_slice(
        frames,
        (0, 0, corner[0], corner[1], 0),
        (*frames.shape[:2], *sizes, frames.shape[-1]),
    )


def _crop(key, pair, size):
    height, width = pair.hfr.shape[2:4]
    if min(height, width) < size:
        raise ValueError(
            f"the query crop of {size} x {size} does not fit LR frames of "
            f"{height} x {width}"
        )
    corner = _corner(key, (height, width), (size, size))
    cut = lambda frames, scale: _window(frames, scale * corner, (scale * size,) * 2)
    return Pair(cut(pair.lfr, 1), cut(pair.hfr, 1), cut(pair.hr, 4), pair.kernel)
