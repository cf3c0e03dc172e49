"""The operations of a program, counted in what JAX traces of it."""

import math

import jax
from jax.extend import core
from jax.interpreters import partial_eval

CONVOLUTIONS = ("adavsr_convolve", "adavsr_correlate")
# Under `vmap` convolutions with weights of each task's own become matrix products.
PRODUCTS = (*CONVOLUTIONS, "dot_general")


def operations(function, *arguments):
    """Floating-point operations of all convolutions of `function(*arguments)`.

    Loops are counted as often as they run; what no result depends on is left out, as
    the compiler does.
    """
    return traced(jax.make_jaxpr(function)(*arguments).jaxpr, CONVOLUTIONS)


def traced(jaxpr, counted=PRODUCTS):
    """The same of what was traced already; `counted` are names of primitives.

    Of branches the largest counts. Inside `shard_map` it is the work of one device.
    """
    live, _ = partial_eval.dce_jaxpr(jaxpr, [True] * len(jaxpr.outvars))
    return _count(live, counted)


def _count(jaxpr, counted):
    total = 0
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        if name in counted:
            total += 2 * math.prod(equation.outvars[0].aval.shape) * _summed(equation)
            continue
        parts = [_count(p, counted) for p in core.jaxprs_in_params(equation.params)]
        inside = max(parts) if name == "cond" else sum(parts)
        total += inside * (equation.params["length"] if name == "scan" else 1)
    return total


def _summed(equation):
    """How many products are summed for one number of the result."""
    if equation.primitive.name == "dot_general":
        (axes, _), _ = equation.params["dimension_numbers"]
        return math.prod(equation.invars[0].aval.shape[axis] for axis in axes)
    # A kernel [Kh, Kw, Ci, Co] or a cotangent [B, H', W', Co]: either way all but its
    # last axis is summed over.
    return math.prod(equation.invars[1].aval.shape[:-1])
