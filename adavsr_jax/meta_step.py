"""One outer step of external learning (paper section 3.1, Algorithm 1)."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from adavsr_jax import objectives, step_sizes, tasks


class MetaState(NamedTuple):
    """All that training carries from step to step.

    Attributes:
      params: `{"tsr": theta, "ssr": phi}`, float32, and learned rates if there are
        any (`step_sizes`).
      average: their exponential moving average, what is evaluated and shipped.
      optimizer: the outer rule's state.
      step: int32 scalar, outer steps done, phases added up.
      bad: int32 `[2]`, how many of them were not finite and left out: all, and the last
        ones in a row.
    """

    params: Any
    average: Any
    optimizer: Any
    step: jax.Array
    bad: jax.Array


def init(params, optimizer):
    """A fresh `MetaState` around `params`, a tree of float32 arrays, which is copied.

    `optimizer` is of optax: the outer rule.
    """
    copy = jax.tree.map(jnp.copy, params)  # donation may not see one buffer twice
    zero = jnp.int32(0)
    return MetaState(
        params, copy, optimizer.init(params), zero, jnp.zeros(2, zero.dtype)
    )


def large_scale_loss(model, distance, generator, modules=("tsr", "ssr")):
    """Large-scale training (Algorithm 1, lines 3 to 9; eq. 1 and 2).

    `modules` are trained, the others stay as they were drawn (Table 4).

    Returns:
      A loss as `mean_gradient` takes; it traces nothing.
    """
    objective = objectives.large_scale(model, distance, modules)

    def loss(params, clip, key, progress):
        del progress
        value = objective(params, *tasks.pretraining(key, clip, generator))
        return value, ({"loss": value}, ())

    return loss


def joint_loss(model, distance, generator):
    """Both networks end to end, nothing adapted: eq. 4 of the pairs of `pretraining`.

    Departure: the paper trains the two apart (eq. 1 and 2), then only through adapted
    weights. End to end, SSR learns what TSR's frames lack, also from their neighbours.

    Returns:
      A loss as `mean_gradient` takes; it traces nothing.
    """
    objective = objectives.space_time(model, distance)

    def loss(params, clip, key, progress):
        del progress
        pair, _ = tasks.pretraining(key, clip, generator)
        value = objective(params, pair)
        return value, ({"loss": value}, ())

    return loss


def meta_loss(
    model,
    distance,
    generator,
    *,
    adapt,
    step_size,
    unadapted_weight,
    multi_step_share=0.0,
):
    """Meta-transfer learning (Algorithm 1, lines 10 to 18; eq. 3 to 9).

    Args:
      model: `networks.space_time.SpaceTime`.
      distance: see `objectives`; inside and outside.
      generator: `tasks.Generator`.
      adapt: `inner_loop.adapt` with all but its first three arguments, the step size
        and `watch` given.
      step_size: alpha, see `inner_loop`; where `params` carry learned ones, theirs.
      unadapted_weight: weight of the query loss at theta_0. Departure: eq. 7 looks at
        theta_K alone, which leaves theta_0 free to be poor; 0 is the paper.
      multi_step_share: above 0, the query loss is a mean over theta_1 .. theta_K that
        moves to theta_K alone while `progress` goes from 0 to this (MAML++, Antoniou
        et al. 2019, section 4). Departure: the paper has theta_K alone; 0 is that.

    Returns:
      A loss as `mean_gradient` takes; it traces the support losses `[K]`.
    """
    objective = objectives.space_time(model, distance)

    def loss(params, clip, key, progress):
        task = tasks.make(key, clip, generator)
        query = lambda weights: objective(weights, task.query)
        weights, rates = step_sizes.split(params, step_size)
        adapted = adapt(
            weights,
            task.support,
            objective,
            step_size=rates,
            watch=query if multi_step_share else None,
        )
        if multi_step_share:
            after = adapted.watched[-1]
            share = jnp.minimum(progress / multi_step_share, 1)
            value = share * after + (1 - share) * adapted.watched.mean()
        else:
            value = after = query(adapted.params)
        metrics = {"query_loss": after}
        if unadapted_weight:
            before = query(weights)
            value = value + unadapted_weight * before
            metrics["query_loss_unadapted"] = before
        return value, ({"loss": value, **metrics}, adapted.losses)

    return loss


def reptile_loss(model, distance, generator, *, adapt, step_size):
    """Reptile (Nichol et al. 2018): the outer gradient is `theta_0 - theta_K`.

    Half the squared way that adaptation went, its end held: the gradient of that is
    the way. Departure: no query loss, so eq. 7 is not minimised; for comparison.

    Args and returns as `meta_loss`.
    """
    objective = objectives.space_time(model, distance)

    def loss(params, clip, key, progress):
        del progress
        support = tasks.make(key, clip, generator).support
        weights, rates = step_sizes.split(params, step_size)
        adapted = adapt(weights, support, objective, step_size=rates)
        goal = jax.lax.stop_gradient(adapted.params)
        way = jax.tree.map(lambda p, q: jnp.sum((p - q) ** 2) / 2, weights, goal)
        value = sum(jax.tree.leaves(way))
        return value, ({"loss": value}, adapted.losses)

    return loss


def mean_gradient(loss, *, over_tasks):
    """Metrics and gradients averaged over tasks.

    Args:
      loss: `(params, clip, key, progress) -> (scalar, (metrics, trace))` for one uint8
        clip `[2M-1, H, W, 3]`; `progress` in [0, 1] is the share of training done;
        `trace` is kept task by task.
      over_tasks: `vmap`, all at once; `scan`, one after the other in the memory of
        one; `auto`, what this backend does better.

    Returns:
      `(params, clips [N, ...], keys [N], progress) -> ((metrics, grads), traces)`,
      traces with a leading axis N.

    Raises:
      ValueError: another `over_tasks`.
    """

    def by_vmap(params, clips, keys, progress):
        def mean_loss(params):
            one = lambda clip, key: loss(params, clip, key, progress)
            values, (metrics, traces) = jax.vmap(one)(clips, keys)
            return values.mean(), (jax.tree.map(jnp.mean, metrics), traces)

        grads, (metrics, traces) = jax.grad(mean_loss, has_aux=True)(params)
        return (metrics, grads), traces

    def by_scan(params, clips, keys, progress):
        def one(clip, key):
            derive = jax.grad(loss, has_aux=True)
            grads, (metrics, trace) = derive(params, clip, key, progress)
            return (metrics, grads), trace

        def add(total, task):
            means, trace = one(*task)
            return jax.tree.map(jnp.add, total, means), trace

        # What is summed varies over the mesh as the clips do; its zeros must too.
        varying = tuple(jax.typeof(clips).manual_axis_type.varying)
        zeros = jax.tree.map(
            lambda leaf: jax.lax.pcast(
                jnp.zeros(leaf.shape, leaf.dtype), varying, to="varying"
            ),
            jax.eval_shape(one, clips[0], keys[0])[0],
        )
        total, traces = jax.lax.scan(add, zeros, (clips, keys))
        return jax.tree.map(lambda leaf: leaf / clips.shape[0], total), traces

    ways = {"vmap": by_vmap, "scan": by_scan}
    if over_tasks == "auto":
        over_tasks = way_over_tasks(jax.default_backend())
    if over_tasks not in ways:
        raise ValueError(f"over_tasks must be auto, vmap or scan; got {over_tasks!r}")
    return ways[over_tasks]


def way_over_tasks(backend):
    """`scan` or `vmap` over the tasks of one device, by the backend's name.

    CPU: vmap's per-task convolutions took 2.1 times scan's time and 13 times its
    memory (2 cores, 4 tasks, patch 256, 113 K parameters). GPU and TPU: not measured;
    one task of a small network does not fill them.
    """
    return "scan" if backend == "cpu" else "vmap"


def staged(stages):
    """One `mean_gradient` after the other, by progress: annealing.

    Args:
      stages: `[(until, mean_gradient), ...]`, each serves while progress is below its
        `until` (ascending), the last to the end; all return trees of one structure.

    Returns:
      A function as `mean_gradient` returns.
    """
    if len(stages) == 1:
        return stages[0][1]
    ends = [until for until, _ in stages[:-1]]

    def mean_gradients(params, clips, keys, progress):
        stage = sum((progress >= end).astype(jnp.int32) for end in ends)
        branches = [branch for _, branch in stages]
        return jax.lax.switch(stage, branches, params, clips, keys, progress)

    return mean_gradients


def update(state, grads, optimizer, *, average_decay, finite=True):
    """The outer rule (eq. 8 and 9), and the moving average after it.

    A step that is not `finite` is left out: it counts and changes nothing else.

    Args:
      state: a `MetaState`.
      grads: a tree as `state.params`.
      optimizer: of optax, the one that `init` was given.
      average_decay: of the moving average, in [0, 1): 0 keeps the last weights alone.
      finite: bool scalar.

    Returns:
      The `MetaState` one step on.
    """
    updates, opt_state = optimizer.update(grads, state.optimizer, state.params)
    params = optax.apply_updates(state.params, updates)
    average = optax.incremental_update(params, state.average, 1 - average_decay)
    skipped = state._replace(bad=state.bad + 1)
    done = MetaState(params, average, opt_state, state.step, state.bad.at[1].set(0))
    new = jax.tree.map(lambda *both: jnp.where(finite, *both), done, skipped)
    return new._replace(step=state.step + 1)
