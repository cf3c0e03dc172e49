"""Large-scale training of one module alone, and that it is a part of the whole."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import small

from adavsr_jax import meta_step, objectives, tasks

_DATA = tasks.pretraining(
    jax.random.key(0), small.clips(1, 5, 32)[0], small.generator()
)


def _derive(*modules):
    loss = objectives.large_scale(small.MODEL, small.DISTANCE, modules)
    return small.jit(jax.value_and_grad(loss))(small.params(), *_DATA)


@pytest.mark.parametrize("trained, other", [("ssr", "tsr"), ("tsr", "ssr")])
def test_a_module_alone_has_its_own_gradient_and_the_other_has_none(trained, other):
    both, (value, grads) = _derive("tsr", "ssr"), _derive(trained)
    assert all((leaf == 0).all() for leaf in jax.tree.leaves(grads[other]))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
        grads[trained],
        both[1][trained],
    )
    assert all(jnp.abs(leaf).max() > 0 for leaf in jax.tree.leaves(grads[trained]))
    assert 0 < value < both[0]


def test_the_whole_is_the_sum_of_its_modules():
    whole, *parts = _derive("tsr", "ssr"), _derive("tsr"), _derive("ssr")
    np.testing.assert_allclose(whole[0], parts[0][0] + parts[1][0], rtol=1e-5)


def test_training_one_module_leaves_the_other_as_it_was_drawn():
    loss = meta_step.large_scale_loss(
        small.MODEL, small.DISTANCE, small.generator(), ("ssr",)
    )
    rule = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-2))

    @small.jit
    def step(params, state, clips, keys):
        mean_gradient = meta_step.mean_gradient(loss, over_tasks="scan")
        (_, grads), _ = mean_gradient(params, clips, keys, 0.0)
        updates, state = rule.update(grads, state)
        return optax.apply_updates(params, updates), state

    before = params = small.params()
    state = rule.init(params)
    for n in range(2):
        keys = jax.random.split(jax.random.key(n), 2)
        params, state = step(params, state, small.clips(2, 5, 32), keys)
    jax.tree.map(np.testing.assert_array_equal, params["tsr"], before["tsr"])
    moved = jax.tree.map(
        lambda a, b: jnp.abs(a - b).max(), params["ssr"], before["ssr"]
    )
    assert all(way > 0 for way in jax.tree.leaves(moved))
