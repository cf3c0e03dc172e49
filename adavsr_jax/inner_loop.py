"""Adaptation to one task: K inner steps (paper eq. 5-6, Algorithm 2)."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from adavsr_jax import inner_rules, meta_gradient


class Adaptation(NamedTuple):
    """What K steps leave.

    Attributes:
      params: theta_K.
      losses: `[K]`, the loss at theta_0 .. theta_{K-1}, before each step; constants.
      watched: `watch` at theta_1 .. theta_K, leading axis K; None if nothing was.
    """

    params: Any
    losses: jax.Array
    watched: Any


def adapt(
    params,
    task,
    loss,
    *,
    steps,
    step_size,
    gradient,
    rule=None,
    exact_steps=None,
    mask=True,
    trunk_term=True,
    watch=None,
):
    """Descends `loss` on `task` from `params`: the one inner loop of the house.

    Algorithm 1 differentiates through it, Algorithm 2 runs it on a person's video.

    Args:
      params: pytree of floating-point arrays, theta_0.
      task: pytree of floating-point arrays, what the loss is measured on.
      loss: `(params, task) -> scalar`.
      steps: K >= 0, static. With 0 the parameters come back unchanged.
      step_size: alpha, a scalar or a tree prefix of `params`. A leaf is a scalar, or
        `[S]`, one value a step (LSLR; Antoniou et al. 2019), the last for all later
        steps. Departure: Algorithm 1, line 15 steps the SSR module with the outer rate
        beta, eq. 5-6 with alpha as the other; we let each have its own.
      gradient: `jax.value_and_grad` or a drop-in from `meta_gradient`.
      rule: of `inner_rules`; gradient descent by default.
      exact_steps: m, of which the last m steps are differentiated by `gradient`, those
        before to first order (truncated); all by default.
      mask: a tree prefix of bools, which of `params` adapt (ANIL; Raghu et al. 2020).
        The rest, the trunk, stays as it is and still gets a meta-gradient.
      trunk_term: whether the meta-gradient of the trunk has its term of every inner
        step, the mixed second derivative. Without, it is dropped: that of the query
        loss at theta_K alone, cheaper and not exact.
      watch: `params -> scalar`, evaluated after each step, differentiable once; where
        nothing is differentiated any pytree, as the parameters themselves.

    Returns:
      An `Adaptation`.

    Raises:
      ValueError: steps or exact_steps are below 0, or a prefix is none of `params`.
    """
    exact_steps = steps if exact_steps is None else exact_steps
    for name, value in (("steps", steps), ("exact_steps", exact_steps)):
        if value < 0:
            raise ValueError(f"{name} must be 0 or more; got {value}")
    rule = inner_rules.descent() if rule is None else rule
    leaves, structure = jax.tree.flatten(params)
    moves = _broadcast("mask", mask, params)
    pick = lambda values, wanted: [
        v for v, m in zip(values, moves, strict=True) if m == wanted
    ]
    trunk = pick(leaves, False)
    rates = pick(_broadcast("step_size", step_size, params), True)

    def whole(moving, still):
        parts = {True: iter(moving), False: iter(still)}
        return structure.unflatten(next(parts[bool(m)]) for m in moves)

    def moving_loss(moving, given):
        return loss(whole(moving, given[0]), given[1])

    inside = (trunk if trunk_term else jax.lax.stop_gradient(trunk)), task
    observe = watch and (
        lambda moving: meta_gradient.at_once(watch)(whole(moving, trunk))
    )

    def descend(carry, first, last, way):
        descent = way(moving_loss)

        def step(carry, k):
            moving, state = carry
            value, grads = descent(moving, inside)
            direction, state = rule.direct(grads, state)
            moving = [
                p - (_at(a, k) * d).astype(p.dtype)
                for p, a, d in zip(moving, rates, direction, strict=True)
            ]
            value = jax.lax.stop_gradient(value)
            return (moving, state), (value, observe and observe(moving))

        return jax.lax.scan(step, carry, jnp.arange(first, last))

    exact = max(steps - exact_steps, 0)  # the first step that is
    moving = pick(leaves, True)
    carry, early = descend(
        (moving, rule.init(moving)), 0, exact, meta_gradient.first_order
    )
    (moving, _), late = descend(carry, exact, steps, gradient)
    losses, watched = jax.tree.map(lambda *parts: jnp.concatenate(parts), early, late)
    return Adaptation(whole(moving, trunk), losses, watched)


def _at(rate, k):
    if jnp.ndim(rate) == 0:
        return rate
    # NumPy's arrays cannot be indexed by what is traced.
    return jnp.asarray(rate)[jnp.minimum(k, len(rate) - 1)]


def _broadcast(name, prefix, params):
    """The leaf of `prefix` above each leaf of `params`, a list."""
    try:
        leaves = jax.tree.leaves(jax.tree.broadcast(prefix, params))
    except ValueError as error:
        raise ValueError(
            f"{name} must be one value or a tree prefix of the parameters, "
            f"{_outline(params)}; got {_outline(prefix)}"
        ) from error
    if any(jnp.ndim(leaf) > 1 or jnp.shape(leaf) == (0,) for leaf in leaves):
        shapes = sorted({jnp.shape(leaf) for leaf in leaves})
        raise ValueError(
            f"{name} must hold scalars, or [S] with one value a step; got {shapes}"
        )
    return leaves


def _outline(tree):
    if isinstance(tree, dict):
        return "{" + ", ".join(map(str, tree)) + "}"
    return f"a {type(tree).__name__}"
