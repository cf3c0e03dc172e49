"""Checkpoints as a command meets them: the best, of the same model, undamaged."""

import dataclasses
import functools
import json
import math
import os
import pathlib
import subprocess
import sys

import jax
import naming
import numpy as np
import pytest
import small
import untrained

from adavsr_jax import checkpoints, kernels, sharding
from experiments import build, build_estimator, cli, trained

KERNEL = np.asarray(kernels.bicubic())


def _config():
    return untrained.weights().config.copy_and_resolve_references()


@functools.cache
def _state():
    return small.jit(lambda: build.initial_state(_config()))()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A work directory with steps 3 to 6; all weights of a step are its number."""
    workdir = tmp_path_factory.mktemp("runs")
    config = _config()
    (workdir / "config.json").write_text(json.dumps(config.to_dict(), default=list))
    state = _state()
    saved = checkpoints.Checkpoints(workdir / "checkpoints")
    scores = {3: 20.0, 4: 30.0, 5: 25.0, 6: -math.inf}  # 6: stopped, not validated
    for step, score in scores.items():
        average = jax.tree.map(lambda p, n=step: np.full_like(p, n), state.average)
        record = {"network": config.network.to_dict()}
        saved.save(step, state._replace(average=average), record, score)
    saved.close()
    return workdir


def test_the_newest_two_and_the_best_are_kept(run):
    steps = {int(path.name) for path in (run / "checkpoints").iterdir()}
    assert steps == {4, 5, 6}


def test_the_best_is_loaded(run):
    weights = trained.load(run)
    assert weights.step == 4
    assert all((leaf == 4).all() for leaf in jax.tree.leaves(weights.params))


@pytest.mark.slow
def test_what_two_devices_trained_is_loaded_where_there_is_one(tmp_path):
    config = _config()
    (tmp_path / "config.json").write_text(json.dumps(config.to_dict(), default=list))
    state = sharding.replicate(_state(), sharding.mesh(jax.devices()[:2]))
    saved = checkpoints.Checkpoints(tmp_path / "checkpoints")
    saved.save(3, state, {"network": config.network.to_dict()}, 20.0)
    saved.close()
    load = "import sys; from experiments import trained; "
    load += "print(trained.load(sys.argv[1]).sha256)"
    done = subprocess.run(
        [sys.executable, "-c", load, str(tmp_path)],
        cwd=pathlib.Path(__file__).parent.parent,
        env=os.environ | {"JAX_NUM_CPU_DEVICES": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == trained.digest(_state().average)


def test_the_newest_is_resumed_from(run):
    saved = checkpoints.Checkpoints(run / "checkpoints")
    like = _state()
    state = trained.restore(saved, saved.latest(), _config(), like)
    saved.close()
    assert all((leaf == 6).all() for leaf in jax.tree.leaves(state.average))
    jax.tree.map(np.testing.assert_array_equal, state.params, like.params)


def test_another_model_is_refused(run):
    saved, config = checkpoints.Checkpoints(run / "checkpoints"), _config()
    config.network.ssr_blocks += 1
    with pytest.raises(cli.InputError, match="step 6 is of another model.*ssr_blocks"):
        trained.restore(saved, 6, config, _state())
    saved.close()


def test_a_damaged_checkpoint_is_named(run, tmp_path):
    damaged = tmp_path / "run"
    damaged.mkdir()
    for path in run.rglob("*"):
        copy = damaged / path.relative_to(run)
        if path.is_dir():
            copy.mkdir()
        else:
            cut = 20 if "state" in path.parts else None
            copy.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match="checkpoints/4 is damaged"):
        trained.load(damaged)


def test_a_run_of_another_command_is_told_by_its_name(run, tmp_path):
    estimator = naming.save(tmp_path / "estimator", naming.SURE)
    with pytest.raises(cli.InputError, match="config of a run of .*meta_train"):
        trained.load(estimator)
    read = functools.partial(
        trained.read_run,
        check=build_estimator.check,
        initial_state=build_estimator.initial_state,
        command="train_kernel_estimator",
    )
    with pytest.raises(cli.InputError, match="config of a run of .*kernel_estimator"):
        read(run)
    with pytest.raises(
        cli.InputError, match="--workdir of a run of .*kernel_estimator"
    ):
        read(tmp_path)
    config, step, params = read(estimator)
    assert step == 3 and config.network == naming.config().network
    jax.tree.map(np.testing.assert_array_equal, params, naming.params(naming.SURE))


def test_a_long_shot_is_learned_from_its_middle():
    config = _config()
    config.internal.max_frames = 4
    weights = dataclasses.replace(untrained.weights(), config=config)
    lr = small.clips(1, 9, 32)[0]
    long = weights.adapt(weights.params, lr, KERNEL, 1)
    middle = weights.adapt(weights.params, lr[2:6], KERNEL, 1)
    jax.tree.map(np.testing.assert_array_equal, long, middle)
    assert np.isfinite(long.held_out).all()
