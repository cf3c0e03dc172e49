"""Strict surroundings for every test: CPU, eight fake devices, no rank promotion.

Half of what the tests take is compilation, and no test is about the machine code: what
they compile themselves is compiled with little effort, and what their commands compile,
in full, is kept for the next command.
"""

import os
import tempfile

os.environ["JAX_PLATFORMS"] = "cpu"

import jax

jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_disable_most_optimizations", True)

# One for each worker of pytest-xdist, since JAX may read what another is writing. JAX
# has read its settings by now: this is for commands alone.
_compiled = tempfile.TemporaryDirectory(prefix="compiled-")
os.environ["JAX_COMPILATION_CACHE_DIR"] = _compiled.name


def pytest_unconfigure():
    _compiled.cleanup()
