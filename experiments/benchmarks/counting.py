"""The operations of a program, counted in what JAX traces of it."""

import math

import jax
from jax.extend import core
from jax.interpreters import partial_eval


def operations(function, *arguments):
    """Floating-point operations of all convolutions of `function(*arguments)`.

    Loops are counted as often as they run; what no result depends on is left out, as
    the compiler does.
    """
    traced = jax.make_jaxpr(function)(*arguments).jaxpr
    live, _ = partial_eval.dce_jaxpr(traced, [True] * len(traced.outvars))
    return _count(live)


def _count(jaxpr):
    total = 0
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        if name in ("adavsr_convolve", "adavsr_correlate"):
            # A kernel [Kh, Kw, Ci, Co] or a cotangent [B, H', W', Co]: either way all
            # but its last axis is summed over, two operations a product.
            summed = equation.invars[1].aval.shape[:-1]
            total += 2 * math.prod(equation.outvars[0].aval.shape) * math.prod(summed)
            continue
        repeats = equation.params["length"] if name == "scan" else 1
        total += repeats * sum(map(_count, core.jaxprs_in_params(equation.params)))
    return total
