"""The ways of a race start from one point: one rate, and clips that none has seen."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import untrained

from adavsr_jax import curvature, sharding
from experiments import build, build_inner, curvatures, racing
from experiments.configs import demo


def _config(**changes):
    config = demo.get_config()
    config.data.rendered_clips = 1
    config.large_scale.learning_rate = 0.5
    config.large_scale.final_learning_rate = 0.25
    config.meta.learning_rate = 0.125
    config.update_from_flattened_dict(changes)
    return config


@pytest.fixture
def asked(monkeypatch):
    """What is asked of phases: their configs, and where their clips and keys start."""
    noted = types.SimpleNamespace(configs=[], batches=[], keys=[])

    def batches(start):
        noted.batches.append(start)
        while True:
            yield {"clips": np.zeros((8, 1), np.uint8)}

    def step(state, clips, key):
        noted.keys.append(np.asarray(jax.random.key_data(key)))
        return state, {}, None

    def phases(config, mesh, estimate):
        noted.configs.append(config)
        phase = lambda name: build.Phase(
            name, 0, 1, "", optax.sgd(0.0), step, [], None, batches
        )
        return [phase("large_scale"), phase("meta")]

    monkeypatch.setattr(build, "phases", phases)
    return noted


@pytest.mark.parametrize("name", ["large_scale", "meta"])
def test_ways_have_one_rate_and_begin_beyond_their_start(asked, name):
    way = racing.Way("a way", ((1.0, name, {}),))
    start = types.SimpleNamespace(params={"w": jnp.ones(2)}, step=40)
    config = _config()
    racing.Racer(way, config, start, sharding.mesh(), seconds=1)
    (given,) = asked.configs
    rates = [
        (section.learning_rate, section.final_learning_rate)
        for section in (given.large_scale, given.meta)
    ]
    assert rates == [(0.125, 0.125)] * 2
    assert asked.batches == [40]
    begun = jax.random.fold_in(jax.random.key(config.run.seed), 3)
    assert not np.array_equal(asked.keys[0], jax.random.key_data(begun))


def test_curvature_is_of_weights_alone_and_of_descent(monkeypatch):
    clip = np.zeros((7, 32, 32, 3), np.uint8)
    monkeypatch.setattr(curvatures.build_data, "validation_clips", lambda _: [clip])
    seen, told = [], []

    def along(params, task, loss, outer_loss, *, steps, step_size):
        seen.append((set(params), step_size))
        return curvature.Curvature(jnp.zeros(steps), jnp.zeros(()), jnp.ones(()))

    monkeypatch.setattr(curvature, "along", along)
    config = _config(**{"inner.learn_step_sizes": True, "meta.query_size": 4})
    params = untrained.weights().params | {"log_step_size": {}}
    rows = curvatures.rows("start", config, params, told.append)
    assert len(rows) == len(curvatures.LOSSES) == len(told)
    assert seen == [({"tsr", "ssr"}, build_inner.step_size(config))] * len(rows)
    config.inner.rule = "adam"
    assert curvatures.rows("start", config, params, told.append) == []
    assert told[-1] == "start: no curvature, it is of descent: inner.rule=adam"
