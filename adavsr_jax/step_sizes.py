"""Learned inner step sizes, one a tensor and step, carried beside the weights.

Meta-SGD (Li et al. 2017) by tensor, LSLR (Antoniou et al. 2019, MAML++). Their
logarithms are learned, so that a rate stays above zero and moves by factors.
Departure: the paper's alpha is one constant.
"""

import jax
import jax.numpy as jnp

_KEY = "log_step_size"


def learned(params, step_size, steps):
    """`params` with rates of their own: `steps >= 1` a tensor, from `step_size` on.

    Args:
      params: dict of weights. step_size: above 0, a scalar or tree prefix of them.
      steps: K, how many rates a tensor gets.

    Returns:
      The dict with one entry more: logarithms, a tree as `params` of float32 `[K]`.
    """
    rates = jax.tree.map(
        lambda a: jnp.full(steps, jnp.log(a), jnp.float32),
        jax.tree.broadcast(step_size, params),
    )
    return {**params, _KEY: rates}


def split(params, step_size):
    """`(weights, rates)`: the learned rates if `params` has them, else `step_size`.

    Learned ones are a tree as the weights of float32 `[K]`, above zero.
    """
    if _KEY not in params:
        return params, step_size
    weights = {name: part for name, part in params.items() if name != _KEY}
    return weights, jax.tree.map(jnp.exp, params[_KEY])
