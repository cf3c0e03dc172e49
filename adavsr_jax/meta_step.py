"""One outer step of external learning (paper section 3.1, Algorithm 1)."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from adavsr_jax import inner_loop, objectives, tasks


class MetaState(NamedTuple):
    """All that training carries from step to step.

    Attributes:
      params: `{"tsr": theta, "ssr": phi}`, float32.
      average: their exponential moving average, what is evaluated and shipped.
      optimizer: the outer rule's state.
      step: int32 scalar, outer steps done, phases added up.
    """

    params: Any
    average: Any
    optimizer: Any
    step: jax.Array


def init(key, model, optimizer):
    """A fresh state; the key is consumed."""
    frames = jnp.zeros((1, 2, 8, 8, 3), jnp.float32)
    params = model.init(key, frames)["params"]
    copy = jax.tree.map(jnp.copy, params)  # donation may not see one buffer twice
    return MetaState(params, copy, optimizer.init(params), jnp.int32(0))


def large_scale_loss(model, distance, generator):
    """Large-scale training (Algorithm 1, lines 3 to 9; eq. 1 and 2).

    Returns:
      `(params, clip, key) -> (loss, metrics)` for one uint8 clip `[2M-1, H, W, 3]`.
    """
    objective = objectives.large_scale(model, distance)

    def loss(params, clip, key):
        value = objective(params, *tasks.pretraining(key, clip, generator))
        return value, {"loss": value}

    return loss


def meta_loss(
    model, distance, generator, *, steps, step_size, gradient, unadapted_weight
):
    """Meta-transfer learning (Algorithm 1, lines 10 to 18; eq. 3 to 9).

    Args:
      model: `networks.space_time.SpaceTime`.
      distance: see `objectives`; inside and outside.
      generator: `tasks.Generator`.
      steps: K, inner steps. step_size: alpha, see `inner_loop`.
      gradient: `jax.grad` or a drop-in of `meta_gradient`.
      unadapted_weight: weight of the query loss at theta_0. Departure: eq. 7 looks at
        theta_K alone, which leaves theta_0 free to be poor; 0 is the paper.

    Returns:
      `(params, clip, key) -> (loss, metrics)` for one uint8 clip `[2M-1, H, W, 3]`.
    """
    objective = objectives.space_time(model, distance)

    def loss(params, clip, key):
        task = tasks.make(key, clip, generator)
        adapted = inner_loop.adapt(
            params,
            task.support,
            objective,
            steps=steps,
            step_size=step_size,
            gradient=gradient,
        )
        after = objective(adapted, task.query)
        value, metrics = after, {"query_loss": after}
        if unadapted_weight:
            before = objective(params, task.query)
            value = after + unadapted_weight * before
            metrics["query_loss_unadapted"] = before
        return value, {"loss": value, **metrics}

    return loss


def mean_gradient(loss, *, over_tasks):
    """Metrics and gradients averaged over tasks.

    Args:
      loss: `(params, clip, key) -> (scalar, metrics)`.
      over_tasks: `vmap`, all at once, or `scan`, one after the other in the memory of
        one.

    Returns:
      `(params, clips [N, ...], keys [N]) -> (metrics, grads)`.
    """

    def by_vmap(params, clips, keys):
        def mean_loss(params):
            values, metrics = jax.vmap(loss, (None, 0, 0))(params, clips, keys)
            return values.mean(), jax.tree.map(jnp.mean, metrics)

        grads, metrics = jax.grad(mean_loss, has_aux=True)(params)
        return metrics, grads

    def by_scan(params, clips, keys):
        def one(clip, key):
            grads, metrics = jax.grad(loss, has_aux=True)(params, clip, key)
            return metrics, grads

        def add(total, task):
            return jax.tree.map(jnp.add, total, one(*task)), None

        # What is summed varies over the mesh as the clips do; its zeros must too.
        varying = tuple(jax.typeof(clips).manual_axis_type.varying)
        zeros = jax.tree.map(
            lambda leaf: jax.lax.pcast(
                jnp.zeros(leaf.shape, leaf.dtype), varying, to="varying"
            ),
            jax.eval_shape(one, clips[0], keys[0]),
        )
        total, _ = jax.lax.scan(add, zeros, (clips, keys))
        return jax.tree.map(lambda leaf: leaf / clips.shape[0], total)

    ways = {"vmap": by_vmap, "scan": by_scan}
    if over_tasks not in ways:
        raise ValueError(f"over_tasks must be vmap or scan; got {over_tasks!r}")
    return ways[over_tasks]


def update(state, grads, optimizer, *, average_decay):
    """The outer rule (eq. 8 and 9), and the moving average after it."""
    updates, opt_state = optimizer.update(grads, state.optimizer, state.params)
    params = optax.apply_updates(state.params, updates)
    average = optax.incremental_update(params, state.average, 1 - average_decay)
    return MetaState(params, average, opt_state, state.step + 1)
