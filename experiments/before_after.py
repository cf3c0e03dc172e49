r"""Draws what weights make of clips: before and after, side by side.

    python -m experiments.before_after --clips=DIR --names=calendar,walk \
        --kernel=iso2.0 --output=before_after.png

Reads some of the clips of a folder. Leaves one picture of two rows, in which each clip
is drawn before and after.

Each clip is blurred, reduced and rid of every other frame as `evaluate` does it; then
its blur is estimated and it is restored as `super_resolve` would. Drawn are a given
frame (the first row) and one made between two (the second), where there is most detail
in the input. The clip itself, the truth, is not.
"""

import numpy as np
from absl import flags

from experiments import (
    cli,
    clips,
    degradations,
    estimators,
    figures,
    outputs,
    rows,
    shipped,
)

_CLIPS = flags.DEFINE_string(
    "clips", None, "Folder of video files or frame folders.", required=True
)
_NAMES = flags.DEFINE_list(
    "names", None, "Names of clips in it, NAME,NAME.", required=True
)
_KERNEL = flags.DEFINE_string(
    "kernel", "bicubic", "Blur: a name of experiments/kernels.json, or FILE.npy."
)
_WEIGHTS = flags.DEFINE_string(
    "weights",
    None,
    "s or b: weights that come with the project, by default what super_resolve would"
    " take here; or the --workdir of a training run.",
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "FILE.png, replaced if it is there.", required=True
)
_CROP = 160  # pixels of the result, at most


def main(argv):
    del argv
    output = outputs.file("output", _OUTPUT.value, ".png")
    kernel = degradations.load_kernel(_KERNEL.value)
    found = {clip.name: clip for clip in clips.find(_CLIPS.value, [])}
    for name in _NAMES.value:
        if name not in found:
            known = ", ".join(found)
            raise cli.InputError(f"--names: no clip {name!r}; there are {known}")
    weights = shipped.network(_WEIGHTS.value or shipped.size())
    estimator = estimators.load("network")
    drawn = {"A given frame": [], "A frame made between two": []}
    for name in _NAMES.value:
        lr = rows.degrade(clips.read(found[name]), kernel)
        blur = estimator.estimate(lr)
        print(f"{name}: {blur.told}")
        pairs = _pairs(name, lr, _restored(weights, lr, blur.kernel))
        for panels, pair in zip(drawn.values(), pairs, strict=True):
            panels += pair
    figures.compare(output, list(drawn.items()), zoom=2)
    print(f"written: {output}")


def _restored(weights, lr, kernel):
    learned = weights.adapt(weights.params, lr, kernel, weights.config.internal.steps)
    frames = weights.restore(
        learned.params, lr, kernel, back_projections=rows.BACK_PROJECTIONS
    )
    return np.stack(list(frames))


def _pairs(name, lr, restored):
    """Before and after, labelled: a given frame in the middle, then the next one."""
    middle = len(lr) // 2
    held = lr[middle].repeat(4, axis=0).repeat(4, axis=1)
    window = figures.detailed_window(held, min(_CROP, *held.shape[:2]))
    # Between two there is no input: the one before is what a player would show.
    for label, index in (("low resolution", 0), ("low resolution, the one before", 1)):
        before = (f"{name}, {label}", held[window])
        yield [before, ("restored", restored[2 * middle + index][window])]


if __name__ == "__main__":
    cli.run(main)
