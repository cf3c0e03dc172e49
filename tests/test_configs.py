"""Every config opens as it should, builds, and compiles in small."""

import ast
import importlib
import pathlib

import jax
import pytest

from adavsr_jax import sharding
from experiments import build

FOLDER = pathlib.Path(__file__).parent.parent / "experiments" / "configs"
NAMES = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))


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
    fields = [dict(_paths(_config(name))) for name in NAMES]
    assert all(each == fields[0] for each in fields)


@pytest.mark.parametrize("name", NAMES)
def test_builds_its_phases_and_traces_its_step(name):
    config = _config(name)
    mesh = sharding.mesh(jax.devices()[:1])
    phases = build.phases(config, mesh)
    assert [phase.name for phase in phases] == ["large_scale", "meta"]
    state = jax.eval_shape(lambda: build.initial_state(config))
    for phase, settings in zip(phases, (config.large_scale, config.meta), strict=True):
        shape = (settings.batch, config.data.frames, *(settings.patch,) * 2, 3)
        clips = jax.ShapeDtypeStruct(shape, "uint8")
        key = jax.eval_shape(lambda: jax.random.key(0))
        after, metrics, _ = jax.eval_shape(phase.step, state, clips, key)
        assert metrics["loss"].shape == ()
        assert jax.tree.structure(after) == jax.tree.structure(state)


@pytest.mark.parametrize("name", NAMES)
def test_size_of_the_network(name):
    params = jax.eval_shape(lambda: build.initial_state(_config(name))).params
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    assert count <= {"vimeo": 5_000_000}.get(name, 1_000_000)
