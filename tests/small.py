"""The smallest networks and problems that still have everything, for many tests."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from adavsr_jax import kernels, metrics, rendering, tasks
from adavsr_jax.networks import space_time, ssr, tsr

MODEL = space_time.SpaceTime(
    tsr.TSR(channels=3, blocks=1), ssr.SSR(channels=4, blocks=1)
)
DISTANCE = functools.partial(metrics.charbonnier, epsilon=0.05)
# For programs of which values are wanted and no speed: compiled in a third of the time.
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def params(seed=0):
    """Weights with no zero among them: tails start at zero, which would hide much."""
    return params_of(MODEL, seed)


def params_of(model, seed=0):
    frames = jax.ShapeDtypeStruct((1, 2, 8, 8, 3), jnp.float32)
    shapes = jax.eval_shape(model.init, jax.random.key(0), frames)["params"]
    rng = np.random.default_rng(seed)
    draw = lambda p: jnp.asarray(0.2 * rng.standard_normal(p.shape), p.dtype)
    return jax.tree.map(draw, shapes)


def widened(lr):
    """An estimate as none should be, which can be told from any truth."""
    return kernels.gaussian(3.0 + lr.mean(), 4.0, 0.0)


def generator(relation="matched", mean3_probability=0.0, query_size=4):
    return tasks.Generator(
        kernels.uniform(), relation, mean3_probability, query_size, widened
    )


def spatial_loss(distance=DISTANCE):
    """`(params, sharp) -> scalar`: `MODEL.ssr`, which sees each fourth pixel.

    A quarter of the whole model's time to compile, for laws that many programs obey.
    """

    def loss(params, sharp):
        prediction = MODEL.ssr.apply({"params": params}, sharp[..., ::4, ::4, :])
        return distance(prediction, sharp)

    return loss


def spatial_tasks(count):
    """`[count, 2, 1, 2, 12, 16, 3]` float64 noise: support and query, sharp."""
    return np.random.default_rng(1).random((count, 2, 1, 2, 12, 16, 3))


def clips(count=2, frames=7, size=32):
    """`[count, frames, size, size, 3]` uint8, rendered: frames up to 17, size to 64.

    Windows of clips of one size: a renderer compiled for each would take far longer.
    """
    return np.stack([_clip(n)[:frames, :size, :size] for n in range(count)])


@functools.cache
def _clip(number):
    with jax.enable_x64(False):
        key = jax.random.key(number)
        return np.asarray(rendering.clip(key, frames=17, height=64, width=64))
