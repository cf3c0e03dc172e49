"""What a restored clip is worth: every metric, frame by frame, then in means.

A frame restored without any error has a PSNR without bound. It is counted and kept out
of the means; where a mean has no frame left it is None.
"""

import math
from collections.abc import Iterable

import jax
import numpy as np

from adavsr_jax import degradation, metrics, niqe, pixels

# Of each: its mean over all frames, over given and over interpolated ones.
SPLIT = ("psnr_y", "ssim_y")
_DIGITS = 6  # of what is written of a single frame


def score(
    frames: Iterable[np.ndarray],
    truth: np.ndarray,
    lr: np.ndarray,
    kernel: np.ndarray,
    pristine: niqe.Pristine | None,
) -> dict:
    """Scores frames as they come.

    Args:
      frames: uint8 `[H, W, 3]` each, those of frames 0, 1, 2 ... of the clip.
      truth: uint8 `[T, H, W, 3]`, at least as many frames.
      lr: uint8 `[M, H/4, W/4, 3]`, frames 0, 2, 4 ... blurred and reduced.
      kernel: `[20, 20]`, the true blur.
      pristine: for NIQE; None leaves it out.

    Returns:
      `psnr_y` (dB) and `ssim_y` with their `_given` and `_interpolated` parts,
      `lr_consistency` (PSNR-Y in dB of the given frames, blurred and reduced again,
      against `lr`), `niqe`, the number of `frames` and of `identical` ones, and
      `psnr_y_frames` and `ssim_y_frames`, one number a frame.
    """
    columns = {name: [] for name in (*SPLIT, "lr_consistency", "niqe")}
    for number, (frame, true) in enumerate(zip(frames, truth, strict=False)):
        columns["psnr_y"].append(metrics.psnr_y(frame[None], true[None])[0])
        columns["ssim_y"].append(metrics.ssim_y(frame[None], true[None])[0])
        if number % 2 == 0:
            again = np.asarray(reduce(frame, kernel))
            seen = lr[number // 2]
            columns["lr_consistency"].append(metrics.psnr_y(again[None], seen[None])[0])
        if pristine:
            columns["niqe"].append(niqe.niqe(frame[None], pristine)[0])
    arrays = {name: np.array(values) for name, values in columns.items()}
    found = {name: mean(values) for name, values in arrays.items()}
    for name in SPLIT:
        found[f"{name}_given"] = mean(arrays[name][::2])
        found[f"{name}_interpolated"] = mean(arrays[name][1::2])
    found["frames"] = len(arrays["psnr_y"])
    found["identical"] = int(np.isinf(arrays["psnr_y"]).sum())
    for name in SPLIT:
        values = arrays[name].tolist()
        found[f"{name}_frames"] = [
            round(value, _DIGITS) if math.isfinite(value) else None for value in values
        ]
    return found


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of what is finite and there; None if nothing is."""
    finite = [v for v in values if v is not None and math.isfinite(v)]
    return float(np.mean(finite)) if finite else None


@jax.jit
def reduce(frame, kernel):
    """uint8 `[H, W, 3]` -> `[H/4, W/4, 3]`, blurred with `kernel [20, 20]`."""
    return pixels.to_uint8(degradation.blur_and_reduce(pixels.to_float(frame), kernel))
