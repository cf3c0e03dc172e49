"""Laws that more than one part of the library obeys."""

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
