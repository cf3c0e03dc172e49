"""Takes the best weights of a run into the project, for all who use it.

    python -m experiments.ship --run=runs/corpus --name=network_s

Reads the best checkpoint of a run. Leaves `adavsr_jax/weights/NAME.npz` and
`NAME.json`, see `experiments/shipped.py`. What they were trained on and what they are
good for belongs into the model card beside them, `adavsr_jax/weights/README.md`.
"""

import pathlib

from absl import flags

from experiments import build, build_estimator, checks, cli, shipped, trained

# Of each name: what reads its configs, and the command that makes its runs.
_KINDS = {
    **{
        f"network_{size}": (checks.check, build.initial_state, "meta_train")
        for size in shipped.SIZES
    },
    "kernel_estimator": (
        build_estimator.check,
        build_estimator.initial_state,
        "train_kernel_estimator",
    ),
}
_RUN = flags.DEFINE_string(
    "run",
    None,
    "The --workdir of a training run, of meta_train or train_kernel_estimator.",
)
_NAME = flags.DEFINE_enum(
    "name", None, list(_KINDS), "What the weights are of.", required=True
)
_HALF = flags.DEFINE_bool("half", False, "Round to float16: half the bytes.")


def main(argv):
    del argv
    if not _RUN.value:
        raise cli.InputError("--run=DIR is missing: the --workdir of a training run")
    config, step, params = trained.read_run(_RUN.value, *_KINDS[_NAME.value])
    # Where things lay on that machine helps nobody.
    for section, name in (("data", "root"), ("run", "start_from")):
        if config[section].get(name):
            config[section][name] = pathlib.PurePath(config[section][name]).name
    sha256 = shipped.save(_NAME.value, config, params, step, half=_HALF.value)
    print(f"{_NAME.value}: step {step}, sha256 {sha256}")


if __name__ == "__main__":
    cli.run(main)
