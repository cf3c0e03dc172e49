r"""Trains the network that names the blur of a shot (see `kernel_estimation`).

    python -m experiments.train_kernel_estimator \
        --config=experiments/configs/kernel_estimator.py --workdir=runs/kernel_estimator

Reads the shards that the config names. Leaves `checkpoints`, `config.json`,
`metrics.jsonl` and `tensorboard` in the work directory, which `super_resolve`,
`estimate_kernel` and `evaluate` take as `--estimator_weights`.

Killed or interrupted, the same command goes on from the newest checkpoint. Any value of
the config may be given on the command line: `--config.estimator.learning_rate=1e-4`.
"""

import functools
import pathlib

from absl import flags
from ml_collections import config_flags

from adavsr_jax import sharding
from experiments import (
    build_data,
    build_estimator,
    cli,
    clusters,
    cores,
    overrides,
    starting,
    training,
)

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "What to train, a file as experiments/configs/kernel_estimator.py."
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run, made if missing.")


def main(argv):
    del argv
    config = _CONFIG.value
    build_estimator.check(config)
    cores.use(config.estimator.batch)
    clusters.join()
    mesh = sharding.mesh()
    job = training.Job(
        config=config,
        phases=build_estimator.phases(config, mesh),
        form=functools.partial(build_estimator.initial_state, config),
        initial=functools.partial(starting.estimator_state, config),
        validation=functools.partial(build_estimator.validation, config),
        judge=lambda scores: -scores["kernel_error"],
    )
    build_data.check(config)
    training.run(job, pathlib.Path(_WORKDIR.value).resolve(), mesh)


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    cli.run(main, overrides.parse)
