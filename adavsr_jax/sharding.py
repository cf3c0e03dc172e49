"""Tasks over devices: the mesh, and the outer step that runs on it.

The state is on every device, the tasks of a step are split between them, and one
all-reduce joins their gradients.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from adavsr_jax import meta_step

AXIS = "tasks"


def mesh(devices=None):
    """A line of devices, all there are by default."""
    devices = np.array(jax.devices() if devices is None else devices)
    return jax.sharding.Mesh(devices, (AXIS,), axis_types=(jax.sharding.AxisType.Auto,))


def replicate(tree, mesh):
    """Puts a copy of every leaf of a tree on every device."""
    return jax.device_put(tree, jax.NamedSharding(mesh, jax.P()))


def replicated(shapes, mesh):
    """`jax.ShapeDtypeStruct`s of a tree, on every device: what to restore it as."""
    everywhere = jax.NamedSharding(mesh, jax.P())
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=everywhere),
        shapes,
    )


def on_every_device(function, mesh):
    """`function` of trees on every device, jitted; so is its result."""
    return jax.jit(function, out_shardings=jax.NamedSharding(mesh, jax.P()))


def local(tree):
    """This process's first copy of a tree that is on every device."""
    return jax.tree.map(lambda leaf: leaf.addressable_data(0), tree)


def split(clips, mesh):
    """Puts `clips [N, ...]` of this process on its devices, N / devices on each."""
    return jax.make_array_from_process_local_data(
        jax.NamedSharding(mesh, jax.P(AXIS)), clips
    )


def ready(tree, mesh):
    """`tree`, on CPU devices once it is there: before the next step is dispatched.

    XLA's CPU devices share a pool of as many threads, and a step that is dispatched
    holds one while it waits for its inputs: with one step in an all-reduce and the next
    one waiting, a device may find no thread to join the first with, and all stand still
    for ever. (A larger pool made it rarer, and steps a quarter slower.) Elsewhere
    steps are dispatched ahead.
    """
    on_cpu = mesh.devices.flat[0].platform == "cpu"
    return jax.block_until_ready(tree) if on_cpu else tree


def joined(mean_gradient, mesh):
    """`mean_gradient` over all devices' tasks: `-> (metrics, grads, traces)`."""

    def local(params, clips, keys, progress):
        # Without this cast the inner gradient, one of a replicated value, would be
        # summed over all devices' tasks.
        params = jax.tree.map(lambda p: jax.lax.pcast(p, AXIS, to="varying"), params)
        means, traces = mean_gradient(params, clips, keys, progress)
        # Each device's rows, zeros elsewhere: so the one all-reduce joins them too.
        placed = jax.tree.map(lambda rows: _place(rows, mesh.size), traces)
        return jax.lax.pmean((*means, placed), AXIS)

    return jax.shard_map(
        local,
        mesh=mesh,
        in_specs=(jax.P(), jax.P(AXIS), jax.P(AXIS), jax.P()),
        out_specs=jax.P(),
    )


def outer_step(mean_gradient, optimizer, mesh, *, average_decay, span=(0, 1)):
    """The jitted outer step.

    Args:
      mean_gradient: as `meta_step.mean_gradient` returns.
      optimizer: of optax.
      mesh: see `mesh`; its size must divide the number of tasks.
      average_decay: of `MetaState.average`.
      span: (first, last) outer steps between which `progress` goes from 0 to 1.

    Returns:
      `(state, clips [N, T, H, W, 3] uint8, key) -> (state, metrics, traces)`. The
      state is donated. Task keys are split from `fold_in(key, step)` before tasks go
      to their devices, so that any number of devices draws the same. Traces `[N, ..]`
      are whole on every device. A step whose metrics or gradient are not finite is left
      out (`meta_step.update`).
    """

    over_mesh = joined(mean_gradient, mesh)

    def step(state, clips, key):
        keys = task_keys(key, state.step, clips.shape[0])
        progress = (state.step - span[0]) / (span[1] - span[0])
        metrics, grads, traces = over_mesh(
            state.params, clips, keys, progress.astype(jnp.float32)
        )
        metrics["gradient_norm"] = optax.tree.norm(grads)
        finite = jnp.isfinite(jnp.stack(jax.tree.leaves(metrics))).all()
        new = meta_step.update(
            state, grads, optimizer, average_decay=average_decay, finite=finite
        )
        return new, metrics, traces

    return jax.jit(step, donate_argnums=0)


def task_keys(key, step, tasks):
    """The keys of all tasks of a step, `[tasks]`, the same for any devices."""
    return jax.random.split(jax.random.fold_in(key, step), tasks)


def _place(rows, devices):
    whole = jnp.zeros((devices, *rows.shape), rows.dtype)
    whole = jax.lax.pcast(whole, AXIS, to="varying")
    # The mean over devices that follows divides by their number.
    whole = whole.at[jax.lax.axis_index(AXIS)].set(devices * rows)
    return whole.reshape(-1, *rows.shape[1:])
