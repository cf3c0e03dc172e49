"""What the compiler says of an outer step, on devices that need not be there."""

import math
import re
import time

import jax
import jax.numpy as jnp

from adavsr_jax import sharding
from experiments import build
from experiments.benchmarks import counting

# All that is read here is settled before machine code is made: made badly, but soon.
_OPTIONS = {"xla_backend_optimization_level": 0}
_COLLECTIVE = re.compile(
    r" = (.*?) (all-reduce|all-gather|all-to-all|reduce-scatter|collective-\w+)\("
)
_ARRAY = re.compile(r"\b([a-z]+\d+|pred)\[([\d,]*)\]")


def facts(config, phase, mesh):
    """One phase's outer step, compiled for CPU devices and not run.

    Args:
      config: the config that `phase` was built from.
      phase: a `build.Phase` over `mesh`.
      mesh: see `sharding`.

    Returns:
      A dict. Of one device and step: `flops` of convolutions and matrix products, loops
      counted as often as they run; `flops_bodies_once`, XLA's own count, to which a
      loop's body is one; `argument_bytes`, `output_bytes` beyond what is donated, and
      `temp_bytes`. `parameter_bytes`; `collectives`, a list of `{kind, bytes,
      in_entry}`, false for one that a loop or branch holds; `expected_bytes`, of
      gradients, metrics and traces. `phase`, `devices`, `batch`, `compile_seconds`.
    """
    began = time.perf_counter()
    batch = config[phase.name].batch
    traced = phase.step.trace(*_arguments(config, phase, mesh))
    compiled = traced.lower().compile(compiler_options=_OPTIONS)
    plan = compiled.memory_analysis()
    state, metrics, traces = traced.out_info
    # The norm is taken of what is joined already.
    joined = {k: v for k, v in metrics.items() if k != "gradient_norm"}
    return {
        "phase": phase.name,
        "devices": mesh.size,
        "batch": batch,
        "flops": counting.traced(traced.jaxpr.jaxpr),
        "flops_bodies_once": compiled.cost_analysis()["flops"],
        "argument_bytes": plan.argument_size_in_bytes,
        "output_bytes": plan.output_size_in_bytes - plan.alias_size_in_bytes,
        "temp_bytes": plan.temp_size_in_bytes,
        "parameter_bytes": _bytes(state.params),
        "collectives": collectives(compiled.as_text()),
        "expected_bytes": _bytes((state.params, joined, traces)),
        "compile_seconds": time.perf_counter() - began,
    }


def _arguments(config, phase, mesh):
    """Shapes of a state, of clips and of a key, each with its place on the mesh."""
    settings = config[phase.name]

    def at(spec, leaf):
        place = jax.NamedSharding(mesh, spec)
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place)

    state = jax.eval_shape(lambda: build.initial_state(config))
    rule = jax.eval_shape(phase.optimizer.init, state.params)
    state = state._replace(optimizer=rule)
    shape = (settings.batch, config.data.frames, settings.patch, settings.patch, 3)
    clips = at(jax.P(sharding.AXIS), jax.ShapeDtypeStruct(shape, jnp.uint8))
    everywhere = lambda leaf: at(jax.P(), leaf)
    key = everywhere(jax.eval_shape(lambda: jax.random.key(0)))
    return jax.tree.map(everywhere, state), clips, key


def collectives(text):
    """`[{kind, bytes, in_entry}, ...]` of a compiled program's text.

    Bytes are those of the result. What stands in another computation than the entry
    may run more than once.
    """
    found, in_entry = [], False
    for line in text.splitlines():
        if line and not line[0].isspace():
            in_entry = line.startswith("ENTRY")
        match = _COLLECTIVE.search(line)
        if match:
            size = sum(_size(*array) for array in _ARRAY.findall(match[1]))
            found.append({"kind": match[2], "bytes": size, "in_entry": in_entry})
    return found


def _size(dtype, shape):
    bits = 8 if dtype == "pred" else int(re.search(r"\d+", dtype)[0])
    return math.prod(int(size) for size in shape.split(",") if size) * bits // 8


def _bytes(tree):
    return sum(math.prod(a.shape) * a.dtype.itemsize for a in jax.tree.leaves(tree))
