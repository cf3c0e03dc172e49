"""Laws that more than one part of the library obeys."""

import re

import jax
import jax.numpy as jnp
import numpy as np


def check_adjoint(operation, shape):
    """`<A x, y> = <x, A^T y>` for a linear operation on float32 arrays of `shape`."""
    draw = lambda seed, size: np.random.default_rng(seed).random(size, np.float32)
    x = jnp.asarray(draw(0, shape))
    forward = jax.jit(operation)(x)
    y = jnp.asarray(draw(1, forward.shape))
    (backward,) = jax.jit(jax.linear_transpose(operation, x))(y)
    np.testing.assert_allclose(jnp.vdot(forward, y), jnp.vdot(x, backward), rtol=1e-5)


def convolutions(compiled_text):
    """The convolutions of a program compiled by XLA, each a line; at least one."""
    found = re.findall(r" convolution\(.*", compiled_text)
    assert found
    return found


def check_canonical(compiled_text):
    """Every convolution is of the one form that XLA's CPU backend does fast."""
    for line in convolutions(compiled_text):
        assert "dim_labels=b01f_01io->b01f" in line, line
        assert "rhs_reversal" not in line, line
