"""Algorithm 2 on a whole video: file in, file out, each shot on its own."""

import time
from collections.abc import Callable, Iterator

import numpy as np

from adavsr_jax import shots, video
from experiments import cli, trained

_LEAST_SIDE = 4  # pixels: smaller frames cannot be reduced, to be learned from


def restore(
    source: str,
    target: str,
    weights: trained.Trained,
    kernel: np.ndarray,
    steps: int,
    *,
    overwrite: bool = False,
    tell: Callable[[str], None] = print,
) -> int:
    """Restores the video at `source` into `target`, shot by shot.

    Args:
      source: a video file or a folder of frames.
      target: see `video.write`.
      weights: from `trained.load`.
      kernel: `float32 [20, 20]`, the blur that `source` went through.
      steps: gradient steps of internal learning, on each shot anew.
      overwrite: replace what stands at `target`.
      tell: given a line a shot, and the notes on the input.

    A shot whose loss on itself does not fall is restored with `weights` as they are.

    Returns:
      The number of frames written, `2M - 1`.

    Raises:
      ValueError, OSError: bad input, or an output that cannot be written.
    """
    video.check_output(target, overwrite=overwrite)
    clip = video.read(source)
    for note in clip.notes:
        tell(f"note: {note}")
    if len(clip.frames) < 2:
        raise cli.InputError(
            f"{source}: holds {len(clip.frames)} frame and at least 2 are needed to"
            " put one between"
        )
    restored = _restore_shots(weights, clip.frames, kernel, steps, tell)
    return video.write(target, restored, 2 * clip.rate, overwrite=overwrite)


def _restore_shots(weights, lr, kernel, steps, tell) -> Iterator[np.ndarray]:
    """`uint8 [M, h, w, 3]` -> yields `2M - 1` frames `uint8 [4h, 4w, 3]`.

    Between the last frame of a shot and the first of the next, the last is repeated.
    """
    starts = shots.cuts(lr)
    ends = [*starts[1:], len(lr)]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True), start=1):
        began = time.monotonic()
        shot = lr[start:end]
        params, learned = weights.params, "not adapted"
        small = min(shot.shape[1:3]) < _LEAST_SIDE
        if steps and small:
            learned = f"not adapted, its frames are below {_LEAST_SIDE} x {_LEAST_SIDE}"
        elif steps and len(shot) > 1:  # a single frame has no time to learn from
            params, (before, after) = weights.adapt(params, shot, kernel, steps)
            learned = f"{steps} steps, its own loss {before:.5f} -> {after:.5f}"
            if not after <= before:  # also where it is not a number
                params, learned = weights.params, f"{learned}: not used"
        for frame in weights.restore(params, shot, kernel):
            yield frame
        if end < len(lr):
            yield frame
        tell(
            f"shot {number} of {len(starts)}: frames {start} to {end - 1}, {learned},"
            f" {time.monotonic() - began:.1f} s"
        )
