"""Algorithm 2 on a whole video: file in, file out, each shot on its own."""

import time
from collections.abc import Callable, Iterator

import numpy as np

from adavsr_jax import shots, video
from experiments import cli, estimators, trained

_LEAST_SIDE = 4  # pixels: smaller frames cannot be reduced, to be learned from


def restore(
    source: str,
    target: str,
    weights: trained.Trained,
    blur: Callable[[np.ndarray], estimators.Found],
    steps: int,
    *,
    back_projections: int = 0,
    overwrite: bool = False,
    tell: Callable[[str], None] = print,
) -> int:
    """Restores the video at `source` into `target`, shot by shot.

    Args:
      source: a video file or a folder of frames.
      target: see `video.write`.
      weights: from `trained.load`.
      blur: tells of a shot, `uint8 [M, h, w, 3]`, what it went through; `estimate` of
        an estimator, or a kernel that is known (`estimators.known`).
      steps: gradient steps of internal learning, on each shot anew; at most so many,
        its held-out patches choose.
      back_projections: see `trained.Trained.restore`.
      overwrite: replace what stands at `target`.
      tell: given a line a shot, and the notes on the input.

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
    restored = _restore_shots(weights, clip.frames, blur, steps, back_projections, tell)
    return video.write(target, restored, 2 * clip.rate, overwrite=overwrite)


def _restore_shots(
    weights, lr, blur, steps, back_projections, tell
) -> Iterator[np.ndarray]:
    """`uint8 [M, h, w, 3]` -> yields `2M - 1` frames `uint8 [4h, 4w, 3]`.

    Between the last frame of a shot and the first of the next, the last is repeated.
    """
    spans = shots.spans(lr)
    for number, (start, end) in enumerate(spans, start=1):
        began = time.monotonic()
        shot = lr[start:end]
        found = blur(shot)
        params, learned = _learn(weights, shot, found.kernel, steps)
        for frame in weights.restore(
            params, shot, found.kernel, back_projections=back_projections
        ):
            yield frame
        if end < len(lr):
            yield frame
        tell(
            f"shot {number} of {len(spans)}: frames {start} to {end - 1}; blur: "
            f"{found.told}; {learned}; {time.monotonic() - began:.1f} s"
        )


def _learn(weights, shot, kernel, steps):
    """The weights for a shot, and a few words on how they were come by."""
    if not steps:
        return weights.params, "not adapted"
    if min(shot.shape[1:3]) < _LEAST_SIDE:
        why = f"its frames are below {_LEAST_SIDE} x {_LEAST_SIDE}"
    elif len(shot) < 2:
        why = "a single frame has no time to learn from"
    else:
        learned = weights.adapt(weights.params, shot, kernel, steps)
        errors, taken = np.asarray(learned.held_out), int(learned.steps)
        gain = 10 * np.log10(errors[0] / errors[taken]) if taken else 0.0
        words = f"{taken} of {steps} steps, held-out patches {gain:+.2f} dB"
        return learned.params, words
    return weights.params, f"not adapted, {why}"
