"""Devices that share a CPU's threads: steps finish, whatever waits for what."""

import pathlib
import subprocess
import sys

import pytest

_STEPS = 4000
# Short steps, each with an all-reduce.
_PROGRAM = f"""
import jax, jax.numpy as jnp, numpy as np
from experiments import cores
cores.use(2)
from adavsr_jax import convolution, sharding

mesh = sharding.mesh(jax.devices()[:2])
kernel = jnp.full((3, 3, 32, 32), 1 / 288)

def local(image):
    for _ in range(6):
        image = convolution.convolve(image, kernel, ((1, 1), (1, 1)))
    return image + jax.lax.pmean(image.mean(), sharding.AXIS)

split = jax.P(sharding.AXIS)
step = jax.jit(
    jax.shard_map(local, mesh=mesh, in_specs=split, out_specs=split, check_vma=False)
)
image = sharding.split(np.zeros((4, 32, 32, 32), np.float32), mesh)
for _ in range({_STEPS}):
    image = sharding.ready(step(image), mesh)
print(jax.device_count(), float(image.sum()))
"""


@pytest.mark.slow
def test_devices_that_join_and_convolve_do_not_wait_for_ever():
    """Dispatched ahead it stood still within seconds."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        cwd=pathlib.Path(__file__).parent.parent,
        env={"JAX_NUM_CPU_DEVICES": "2", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.stdout == "2 0.0\n", done.stderr
