"""Training that begins with the weights of another."""

import re

import commands
import jax
import naming
import numpy as np
import pytest
import untrained

from experiments import build, cli, estimators, shipped, starting
from experiments.configs import kernel_estimator


@pytest.fixture
def run(tmp_path):
    untrained.save(tmp_path, untrained.weights().config)
    return tmp_path


def _config(start_from, **changes):
    config = untrained.weights().config.copy_and_resolve_references()
    config.run.start_from = str(start_from)
    config.update_from_flattened_dict(changes)
    return config


def _same(found, wanted):
    jax.tree.map(np.testing.assert_array_equal, found, wanted)


def test_by_default_weights_are_drawn():
    config = _config("")
    _same(starting.state(config).params, build.initial_state(config).params)


def test_a_run_gives_its_weights_and_nothing_else(run):
    state = starting.state(_config(run))
    _same(state.params, untrained.weights().params)
    _same(state.average, untrained.weights().params)
    fresh = build.initial_state(_config(""))
    _same(state.optimizer, fresh.optimizer)
    assert int(state.step) == 0


def test_rates_to_be_learned_begin_at_the_config_s(run):
    config = _config(run, **{"inner.learn_step_sizes": True, "inner.steps": 3})
    state = starting.state(config)
    rates = state.params.pop("log_step_size")
    _same(state.params, untrained.weights().params)
    wanted = build.initial_state(config).params["log_step_size"]
    _same(rates, wanted)


@pytest.mark.parametrize("size", shipped.SIZES)
def test_weights_of_the_project_are_known_by_their_size(size):
    start = shipped.network(size)
    config = start.config.copy_and_resolve_references()
    config.run.start_from = size
    _same(starting.state(config).params, start.params)


def test_other_networks_are_refused_with_the_flags_that_fit(run):
    config = _config(run, **{"network.ssr_channels": 5, "network.tsr_blocks": 2})
    message = (
        f"config.run.start_from={run}: those weights are of other networks; give "
        "--config.network.ssr_channels=4 --config.network.tsr_blocks=1 for theirs"
    )
    with pytest.raises(cli.InputError, match=re.escape(message)):
        starting.state(config)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(cli.InputError, match="config.run.start_from=.*no_run"):
        starting.state(_config(tmp_path / "no_run"))


@pytest.mark.slow
def test_meta_training_goes_on_from_a_run_of_large_scale_training(tmp_path):
    flags = [
        *commands.TINY,
        "--config.data.rendered_clips=2",
        "--config.large_scale.batch=1",
        "--config.meta.batch=1",
        "--config.meta.learning_rate=1e-12",
        "--config.meta.final_learning_rate=0.0",
    ]
    large, meta = tmp_path / "large", tmp_path / "meta"
    train = "experiments.meta_train"
    first = commands.run(
        train,
        *flags,
        "--config.large_scale.steps=2",
        "--config.meta.steps=0",
        f"--workdir={large}",
    )
    assert first.returncode == 0, first.stderr
    second = commands.run(
        train,
        *flags,
        "--config.large_scale.steps=0",
        "--config.meta.steps=1",
        f"--config.run.start_from={large}",
        f"--workdir={meta}",
    )
    assert second.returncode == 0, second.stderr
    score = r"validation .*psnr_unadapted (\S+)"
    before, after = (re.findall(score, done.stdout)[-1] for done in (first, second))
    assert before == after


def test_an_estimator_begins_where_another_ended(tmp_path):
    naming.save(tmp_path, naming.SURE)
    config = naming.config()
    drawn = starting.estimator_state(config)
    config.run.start_from = str(tmp_path)
    state = starting.estimator_state(config)
    _same(state.params, naming.params(naming.SURE))
    _same(state.average, naming.params(naming.SURE))
    _same((state.optimizer, state.step), (drawn.optimizer, drawn.step))


def test_the_estimator_of_the_project_fits_the_config_that_made_it():
    config = kernel_estimator.get_config()
    config.run.start_from = "shipped"
    _, params = estimators.read(None)
    _same(starting.estimator_state(config).params, params)


@pytest.mark.parametrize(
    "start_from, words",
    [("shipped", "--config.network.channels=24"), ("nowhere", "nowhere")],
)
def test_an_estimator_refuses_what_is_none_of_its_kind(start_from, words):
    config = naming.config()
    config.run.start_from = start_from
    with pytest.raises(cli.InputError, match=f"^config.run.start_from=.*{words}"):
        starting.estimator_state(config)
