r"""External learning, Algorithm 1 whole: large-scale training, then meta-transfer.

    python -m experiments.meta_train --config=experiments/configs/vimeo.py \
        --workdir=runs/vimeo

Reads the shards that the config names, `data_prep.build_shards` makes them. Leaves
`checkpoints`, `config.json`, `metrics.jsonl` and `tensorboard` in the work directory,
which `super_resolve` and `evaluate` take as `--weights`.

Killed or interrupted, the same command goes on from the newest checkpoint. Any value of
the config may be given on the command line: `--config.inner.steps=8`.
"""

import functools
import pathlib

from absl import flags
from ml_collections import config_flags

from adavsr_jax import sharding
from experiments import (
    build,
    build_data,
    checks,
    cli,
    clusters,
    cores,
    estimators,
    overrides,
    starting,
    training,
    validation,
)

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "What to train, a file as experiments/configs/demo.py."
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run, made if missing.")


def _gain(scores):
    """dB over trilinear: it stays comparable where a run goes on with other clips."""
    return scores["psnr_adapted"] - scores["psnr_trilinear"]


def main(argv):
    del argv
    config = _CONFIG.value
    checks.check(config)
    phases = (config.large_scale, config.meta)
    cores.use(*(phase.batch for phase in phases if phase.steps))
    clusters.join()
    mesh = sharding.mesh()
    job = training.Job(
        config=config,
        phases=build.phases(config, mesh, estimators.of_training(config)),
        form=functools.partial(build.initial_state, config),
        initial=functools.partial(starting.state, config),
        validation=functools.partial(validation.build_validation, config),
        judge=_gain,
    )
    build_data.check(config)
    training.run(job, pathlib.Path(_WORKDIR.value).resolve(), mesh)


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    cli.run(main, overrides.parse)
