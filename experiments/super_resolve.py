"""Super-resolves a video: four times the size, twice the frame rate (Algorithm 2).

    python -m experiments.super_resolve --input=in.mp4 --output=out.mp4

Reads a video and the weights that come with the project, or others. Leaves the result,
and a line a shot on what its blur was and how many steps it was learned from.

Each shot is learned from by itself, restored, and forgotten: nothing is blended across
a cut. `M` frames become `2M - 1`: the input's at their exact times, new ones midway.
Sound, subtitles, chapters and titles are carried over. Frames stream through: memory
does not depend on the length. Killed or interrupted, the same command goes on after the
last piece that was finished; pieces lie in `OUTPUT.part` until the end.
"""

import math
import os
import pathlib
import re

import jax
from absl import flags

from adavsr_jax import video
from experiments import (
    cli,
    compile_cache,
    estimators,
    outputs,
    rows,
    shipped,
    stages,
    streaming,
    work_folder,
)

_INPUT = flags.DEFINE_string(
    "input", None, "A video file, or a folder of frames.", required=True
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "Where to: a file (.mp4 .m4v .mov .mkv .webm) or, without a suffix, a folder of"
    " PNG frames.",
    required=True,
)
_WEIGHTS = flags.DEFINE_string(
    "weights",
    None,
    "s or b: weights that come with the project, by default b on an accelerator and s"
    " without one; or the --workdir of a training run (a folder of that name: ./s).",
)
_KERNEL = flags.DEFINE_string(
    "kernel",
    "estimate",
    "The blur that the video went through: estimate tells it from each shot, else"
    " bicubic or another name of experiments/kernels.json, or a kernel file FILE.npy.",
)
_ESTIMATOR = flags.DEFINE_enum(
    "estimator", "network", estimators.NAMES, "What --kernel=estimate does."
)
_ESTIMATOR_WEIGHTS = flags.DEFINE_string(
    "estimator_weights",
    None,
    "The --workdir of a run of train_kernel_estimator, for --estimator=network; by"
    " default the weights that come with the project.",
)
_ADAPT = flags.DEFINE_enum(
    "adapt",
    "shot",
    streaming.ADAPT,
    "What is learned from: each shot for itself; the longest shot near the middle of"
    " the video, for all; nothing.",
)
_ADAPT_STEPS = flags.DEFINE_integer(
    "adapt_steps",
    None,
    "Steps of internal learning, at most: patches that it does not see choose how"
    " many. 0 restores with the weights as they are; by default as their config says,"
    " 5 for those that come with the project.",
    lower_bound=0,
    upper_bound=100,  # the weights of every step are held
)
_BACK_PROJECTIONS = flags.DEFINE_integer(
    "back_projections",
    rows.BACK_PROJECTIONS,
    "How often given frames are moved toward those that reduce to the input.",
    lower_bound=0,
)
_CODEC = flags.DEFINE_string(
    "codec",
    None,
    "The encoder of a video: h264, hevc, av1, vp9, prores, ffv1, mjpeg; by default"
    " h264, for .webm vp9.",
)
_CRF = flags.DEFINE_float(
    "crf",
    None,
    "The encoder's constant quality, 0 to 51 (av1 and vp9: 63; prores, ffv1 and mjpeg"
    " have none), lower is better; by default near lossless.",
)
_SIZE = flags.DEFINE_string(
    "size",
    None,
    "WIDTHxHEIGHT of the result, pixels, made from four times the input's.",
)
_FRAMES = flags.DEFINE_string(
    "frames",
    None,
    "FIRST:END of the input, counted from 0, END not included; either may be left out.",
)
_KEEP_DURATION = flags.DEFINE_bool(
    "keep_duration", False, "Repeat the last frame too: M frames become 2M."
)
_MEMORY = flags.DEFINE_float(
    "memory", None, "GiB that a pass may take; by default half of what is free."
)
_PREVIEW = flags.DEFINE_string(
    "preview", None, "FILE.png: crops of the first shots before and after, and blurs."
)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Say what would be done, and stop.")
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace what stands at --output.")


def main(argv):
    del argv
    output = work_folder.place(pathlib.Path(_OUTPUT.value))
    preview = _PREVIEW.value and pathlib.Path(_PREVIEW.value)
    # What can fail at once fails before weights are read and frames decoded.
    if not os.path.exists(_INPUT.value):
        raise cli.InputError(f"--input={_INPUT.value}: no such file or folder")
    work_folder.check(_INPUT.value, output, preview, overwrite=_OVERWRITE.value)
    request = streaming.Request(
        source=pathlib.Path(_INPUT.value),
        output=output,
        adapt=_ADAPT.value,
        steps=_ADAPT_STEPS.value,
        back_projections=_BACK_PROJECTIONS.value,
        codec=_CODEC.value,
        crf=_CRF.value,
        size=_size(_SIZE.value),
        span=_span(_FRAMES.value),
        keep_duration=_KEEP_DURATION.value,
        memory=_bytes(_MEMORY.value),
        preview=preview and outputs.file("preview", preview, ".png"),
        overwrite=_OVERWRITE.value,
    )
    compile_cache.use()
    os.environ.setdefault("SVT_LOG", "1")  # else it greets at every piece
    try:
        stages.interruptible(lambda: _work(request))
    except KeyboardInterrupt:
        work_folder.tidy(output)
        raise
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise cli.InputError(
            "memory ran out: give a pass less of it, as --memory=1; finished pieces are"
            f" kept ({str(error).splitlines()[0]})"
        ) from error


def _work(request):
    blur = estimators.choose(_KERNEL.value, _ESTIMATOR.value, _ESTIMATOR_WEIGHTS.value)
    weights = shipped.network(_WEIGHTS.value or shipped.size())
    with video.open_source(request.source) as source:
        run = streaming.Run(request, source, weights, blur)
        if not _DRY_RUN.value:
            run.restore()
            return
        for line in [*run.explain(), *(f"note: {note}" for note in run.notes)]:
            print(line)


def _size(text):
    """`(height, width)` of `WIDTHxHEIGHT`."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+)[xX](\d+)", text)
    if not found or not all(map(int, found.groups())):
        raise cli.InputError(
            f"--size={text}: expected WIDTHxHEIGHT, as --size=1920x1080"
        )
    width, height = map(int, found.groups())
    return height, width


def _span(text):
    """`(first, end)` of `FIRST:END`; end None: to the last."""
    if text is None:
        return 0, None
    found = re.fullmatch(r"(\d*):(\d*)", text)
    if found:
        first, end = int(found[1] or 0), int(found[2]) if found[2] else None
        if end is None or first < end:
            return first, end
    raise cli.InputError(
        f"--frames={text}: expected FIRST:END with FIRST below END, as --frames=100:250"
    )


def _bytes(gib):
    if gib is None:
        return None
    if not 0 < gib < math.inf:
        raise cli.InputError(f"--memory={gib}: expected GiB above 0, as --memory=4")
    return int(gib * 2**30)


if __name__ == "__main__":
    cli.run(main)
