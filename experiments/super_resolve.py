"""Super-resolves one video: four times the size, twice the frame rate (Algorithm 2).

    python -m experiments.super_resolve --input=in.mp4 --output=out.mp4

Each shot is learned from by itself, restored, and forgotten: nothing is blended
across a cut. `M` frames become `2M - 1`.
"""

import os

from absl import flags

from adavsr_jax import video
from experiments import cli, estimators, rows, shipped, shot_by_shot

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
    "The --workdir of a training run; by default the weights that come with the"
    " project.",
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
_ADAPT_STEPS = flags.DEFINE_integer(
    "adapt_steps",
    None,
    "Steps of internal learning on each shot, at most: patches that it does not see"
    " choose how many. 0 restores with the weights as they are.",
    lower_bound=0,
)
_BACK_PROJECTIONS = flags.DEFINE_integer(
    "back_projections",
    rows.BACK_PROJECTIONS,
    "How often given frames are moved toward those that reduce to the input.",
    lower_bound=0,
)
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace what stands at --output.")


def main(argv):
    del argv
    # What can fail at once fails before weights are read and frames decoded.
    if not os.path.exists(_INPUT.value):
        raise cli.InputError(f"--input={_INPUT.value}: no such file or folder")
    video.check_output(_OUTPUT.value, overwrite=_OVERWRITE.value)
    if os.path.exists(_OUTPUT.value) and os.path.samefile(_INPUT.value, _OUTPUT.value):
        raise cli.InputError(
            f"--output={_OUTPUT.value} is the input, which would be lost: choose "
            "another name"
        )
    blur = estimators.choose(_KERNEL.value, _ESTIMATOR.value, _ESTIMATOR_WEIGHTS.value)
    weights = shipped.network(_WEIGHTS.value)
    steps = _ADAPT_STEPS.value
    count = shot_by_shot.restore(
        _INPUT.value,
        _OUTPUT.value,
        weights,
        blur.estimate,
        weights.config.internal.steps if steps is None else steps,
        back_projections=_BACK_PROJECTIONS.value,
        overwrite=_OVERWRITE.value,
    )
    print(f"{_OUTPUT.value}: {count} frames")


if __name__ == "__main__":
    cli.run(main)
