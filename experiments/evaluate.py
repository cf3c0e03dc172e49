r"""Scores clips x kernels x rows and writes `results.json`.

    python -m experiments.evaluate --clips=DIR --rows=trilinear,ours --weights=RUN \
        --kernels=bicubic,iso1.6 --protocols=all,zsm --steps=0,5 --output=DIR

Every clip is cropped at its top left corner to multiples of 16, blurred and reduced by
each kernel, every other frame dropped, rounded to 8 bits, restored and scored (see
`protocols` and `metrics`). Adaptation sees the whole low-resolution clip (the middle
of a long one, `config.internal.max_frames`), once for every number of steps, each time
from the trained weights. A row that adapts nothing
(`trilinear`, predictions) stands under every kernel mode with 0 steps, so that the
table of one mode is whole. A PSNR without bound (some frame has no error) is null.
"""

import json
import math
import pathlib
import time
from typing import NamedTuple

import numpy as np
from absl import flags

from adavsr_jax import video
from experiments import (
    cli,
    degradations,
    outputs,
    protocols,
    provenance,
    rows,
    trained,
)

_CLIPS = flags.DEFINE_string("clips", None, "folder of video files or frame folders")
_ROWS = flags.DEFINE_list("rows", "trilinear", f"some of {', '.join(rows.NAMES)}")
_KERNELS = flags.DEFINE_list(
    "kernels", "bicubic", "names in experiments/kernels.json, or .npy files"
)
_MODES = flags.DEFINE_list(
    "kernel_mode", "oracle", f"kernel told to adaptation: {', '.join(rows.MODES)}"
)
_PROTOCOLS = flags.DEFINE_list(
    "protocols", "all", f"some of {', '.join(protocols.NAMES)}"
)
_STEPS = flags.DEFINE_list("steps", "0,5", "numbers of adaptation steps")
_PREDICTIONS = flags.DEFINE_string(
    "predictions", None, "folder of restored clips, scored as a row of its name"
)
_WEIGHTS = flags.DEFINE_string("weights", None, "run of meta_train, for the row ours")
_OUTPUT = flags.DEFINE_string("output", "runs/evaluation", "folder of results.json")

_CROP = 16
_TABLE_COLUMNS = ("psnr_y", "psnr_y_given", "psnr_y_interpolated", "ssim_y")


class _Plan(NamedTuple):
    clips: dict[str, pathlib.Path]
    rows: list[str]
    kernels: dict[str, np.ndarray]
    modes: list[str]
    protocols: list[str]
    steps: list[int]
    predictions: dict[str, pathlib.Path]  # of each clip, or of none
    weights: trained.Trained | None


def main(argv):
    del argv
    plan = _plan()
    output = pathlib.Path(_OUTPUT.value)
    cli.make_folder("output", output)
    origin, started = provenance.collect(), time.monotonic()
    results = []
    for clip, path in plan.clips.items():
        for result in _score(clip, path, plan):
            results.append(result)
            print(_line(result, result["clip"]), flush=True)
    origin |= {
        "seconds": round(time.monotonic() - started, 1),
        "weights": _describe(plan.weights),
        "crop": f"top left, to multiples of {_CROP}",
        "time_reduction": "drop",
    }
    content = _finite({"provenance": origin, "results": results})
    text = json.dumps(content, indent=1, allow_nan=False)
    outputs.write(output / "results.json", text)
    print(_table(results))
    print(f"written: {output / 'results.json'}")


def _plan():
    """The flags, checked before any work is done."""
    if "estimated" in _MODES.value:
        raise cli.InputError(
            "--kernel_mode=estimated: kernels are not estimated yet; use oracle or "
            "bicubic"
        )
    names = [pathlib.PurePath(name).name for name in _KERNELS.value]
    if not names or len(set(names)) < len(names):
        raise cli.InputError(f"--kernels={','.join(names)}: name each kernel once")
    if _PREDICTIONS.value and len(names) > 1:
        raise cli.InputError(
            f"--predictions are of one kernel, and --kernels names {len(names)}: give "
            "the one that they were made with"
        )
    chosen = _choice(_ROWS, rows.NAMES) if _ROWS.value or not _PREDICTIONS.value else []
    if "ours" in chosen and not _WEIGHTS.value:
        raise cli.InputError("--rows=ours needs --weights=DIR, a run of meta_train")
    loaded = [degradations.load_kernel(name) for name in _KERNELS.value]
    clips = _listing()
    return _Plan(
        clips=clips,
        rows=chosen,
        kernels=dict(zip(names, loaded, strict=True)),
        modes=_choice(_MODES, rows.MODES),
        protocols=_choice(_PROTOCOLS, protocols.NAMES),
        steps=_numbers(_STEPS.value),
        predictions=_predictions(clips, chosen),
        weights=trained.load(_WEIGHTS.value) if "ours" in chosen else None,
    )


def _choice(flag, known):
    """The words of a list flag, each one known and there once."""
    unknown = [word for word in flag.value if word not in known]
    if unknown or not flag.value:
        found = f"unknown {unknown[0]!r}" if unknown else "nothing named"
        raise cli.InputError(f"--{flag.name}: {found}; choose of {', '.join(known)}")
    return list(dict.fromkeys(flag.value))


def _numbers(words):
    """Numbers of steps, each once."""
    for word in words:
        if not word.isdecimal():
            raise cli.InputError(
                f"--steps: {word!r} is not a number of steps, 0 or more"
            )
    if not words:
        raise cli.InputError("--steps: nothing named; give numbers of steps, as 0,5")
    return list(dict.fromkeys(map(int, words)))


def _predictions(clips, chosen):
    if not _PREDICTIONS.value:
        return {}
    folder = pathlib.Path(_PREDICTIONS.value)
    if folder.resolve().name in chosen:
        raise cli.InputError(
            f"--predictions={folder}: its row would be named as one of --rows; rename "
            "the folder"
        )
    return {clip: rows.find_prediction(folder, clip) for clip in clips}


def _listing():
    """`{name: path}` of the clips, in the order of their names."""
    if not _CLIPS.value:
        raise cli.InputError("--clips=DIR is missing: a folder of videos to score")
    folder = pathlib.Path(_CLIPS.value)
    if not folder.is_dir():
        raise cli.InputError(f"--clips={folder}: no such folder")
    paths = [path for path in sorted(folder.iterdir()) if video.is_media(path)]
    if not paths:
        raise cli.InputError(f"--clips={folder}: holds no videos and no frame folders")
    clips = {path.stem if path.is_file() else path.name: path for path in paths}
    if len(clips) < len(paths):
        raise cli.InputError(f"--clips={folder}: two clips have one name")
    return clips


def _score(clip, path, plan):
    """Yields one result for each kernel, row, number of steps, protocol and mode."""
    truth = _cropped(path)
    for protocol in plan.protocols:
        protocols.check(protocol, path, len(truth))
    for kernel_name, kernel in plan.kernels.items():
        for row in _rows(clip, truth, kernel, plan):
            for protocol in plan.protocols:
                frames = protocols.restore(protocol, len(truth), row.restorer)
                scores = protocols.score(frames, truth)
                for mode in row.modes:
                    yield {
                        "row": row.name,
                        "kernel": kernel_name,
                        "kernel_mode": mode,
                        "protocol": protocol,
                        "clip": clip,
                        "steps": row.steps,
                        **scores,
                    }


def _cropped(path):
    """The clip, uint8 `[T, H, W, 3]`."""
    frames = np.stack(list(video.frames(path)))
    height, width = (size - size % _CROP for size in frames.shape[1:3])
    if not height or not width:
        raise cli.InputError(
            f"{path}: frames of {frames.shape[1]} x {frames.shape[2]} are smaller than "
            f"{_CROP} x {_CROP}"
        )
    return frames[:, :height, :width]


def _rows(clip, truth, kernel, plan):
    lr = rows.degrade(truth, kernel)
    if "trilinear" in plan.rows:
        yield rows.trilinear(lr, plan.modes)
    if plan.predictions:
        yield rows.predictions(plan.predictions[clip], truth, plan.modes)
    if "ours" in plan.rows:
        yield from rows.ours(plan.weights, lr, kernel, plan.modes, plan.steps)


def _describe(weights):
    return weights and {"sha256": weights.sha256, "step": weights.step}


def _finite(content):
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_finite(value) for value in content]
    is_number = isinstance(content, float)
    return None if is_number and not math.isfinite(content) else content


def _table(results):
    """Means over clips, one line a row, kernel, mode, protocol and steps."""
    groups = {}
    for result in results:
        key = ("row", "kernel", "kernel_mode", "protocol", "steps")
        groups.setdefault(tuple(result[name] for name in key), []).append(result)
    lines = [
        f"{'row':<12} {'kernel':<16} {'mode':<8} {'protocol':<8} {'steps':>5} {'':<24}"
        f"{'PSNR-Y':>8} {'given':>8} {'interp.':>8} {'SSIM-Y':>7} {'frames':>6}"
    ]
    for group in groups.values():
        mean = dict(group[0])
        for column in _TABLE_COLUMNS:
            mean[column] = float(np.mean([result[column] for result in group]))
        mean["frames"] = sum(result["frames"] for result in group)
        count = len(group)
        lines.append(_line(mean, f"{count} clip{'s' if count > 1 else ''}"))
    return "\n".join(lines)


def _line(result, what):
    return (
        f"{result['row']:<12} {result['kernel']:<16} {result['kernel_mode']:<8} "
        f"{result['protocol']:<8} {result['steps']:>5} {what:<24}"
        f"{result['psnr_y']:>8.3f} {result['psnr_y_given']:>8.3f} "
        f"{result['psnr_y_interpolated']:>8.3f} {result['ssim_y']:>7.4f} "
        f"{result['frames']:>6}"
    )


if __name__ == "__main__":
    cli.run(main)
