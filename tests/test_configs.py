"""Every config opens as it should, builds, and compiles in small."""

import ast
import importlib
import pathlib

import jax
import numpy as np
import pytest

from adavsr_jax import sharding
from experiments import build, build_estimator, checks

FOLDER = pathlib.Path(__file__).parent.parent / "experiments" / "configs"
NAMES = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))


# Of `train_kernel_estimator`; the rest are of `meta_train`.
ESTIMATORS = ["kernel_estimator"]
RESTORERS = [name for name in NAMES if name not in ESTIMATORS]


def _config(name):
    return importlib.import_module(f"experiments.configs.{name}").get_config()


def _paths(config, prefix=""):
    for key, value in config.items():
        if hasattr(value, "items"):
            yield from _paths(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", type(value)


@pytest.mark.parametrize("name", NAMES)
def test_opens_with_command_hardware_and_result(name):
    words = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text()))
    assert f"--config=experiments/configs/{name}.py" in words
    assert "Hardware:" in words
    assert "Result:" in words


def test_all_have_the_same_fields():
    fields = [dict(_paths(_config(name))) for name in RESTORERS]
    assert all(each == fields[0] for each in fields)


@pytest.mark.parametrize("name", NAMES)
def test_satisfies_its_own_command(name):
    checker = build_estimator if name in ESTIMATORS else checks
    checker.check(_config(name))


def _check_phases(config, phases, state):
    """Each step traces, on the batches that the config asks for."""
    for phase in phases:
        settings = config[phase.name]
        shape = (settings.batch, config.data.frames, *(settings.patch,) * 2, 3)
        clips = jax.ShapeDtypeStruct(shape, "uint8")
        key = jax.eval_shape(lambda: jax.random.key(0))
        after, metrics, _ = jax.eval_shape(phase.step, state, clips, key)
        assert metrics["loss"].shape == ()
        assert jax.tree.structure(after) == jax.tree.structure(state)


@pytest.mark.parametrize("name", RESTORERS)
def test_builds_its_phases_and_traces_its_step(name):
    config = _config(name)
    phases = build.phases(config, sharding.mesh(jax.devices()[:1]))
    trained = [name for name in ("large_scale", "meta") if config[name].steps]
    assert [phase.name for phase in phases] == trained
    state = jax.eval_shape(lambda: build.initial_state(config))
    _check_phases(config, phases, state)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator_builds_its_phase_and_traces_its_step(name):
    config = _config(name)
    phases = build_estimator.phases(config, sharding.mesh(jax.devices()[:1]))
    assert [phase.name for phase in phases] == ["estimator"]
    state = jax.eval_shape(lambda: build_estimator.initial_state(config))
    _check_phases(config, phases, state)


@pytest.mark.parametrize("name", NAMES)
def test_size_of_the_network(name):
    builder = build_estimator if name in ESTIMATORS else build
    params = jax.eval_shape(lambda: builder.initial_state(_config(name))).params
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    largest = {"vimeo": 5_000_000, "corpus_b": 5_000_000, "kernel_estimator": 100_000}
    assert count <= largest.get(name, 1_000_000)


@pytest.mark.parametrize("warm_up", [0, 4])
def test_the_rate_rises_falls_along_a_cosine_and_ends(warm_up):
    """Adam's step on a gradient that never changes is the rate."""
    config = _config("corpus")
    config.outer.warm_up_steps, config.large_scale.steps = warm_up, 12
    large, largest = config.large_scale, 1e-3
    large.learning_rate, large.final_learning_rate = largest, 1e-4
    rule = build.optimizer(config, large)
    weight = np.float32(0)
    state, found = rule.init(weight), []
    for _ in range(large.steps + 1):
        update, state = rule.update(np.float32(0.5), state, weight)
        found.append(-float(update))
    rising = [largest * step / warm_up for step in range(warm_up)]
    falling = np.linspace(0, np.pi, large.steps - warm_up + 1)
    expected = rising + list(1e-4 + (largest - 1e-4) * (1 + np.cos(falling)) / 2)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
