"""Strict surroundings for every test: CPU, eight fake devices, no rank promotion."""

import os

os.environ["JAX_PLATFORMS"] = "cpu"
# Threads of XLA's pool: more than devices, or all of them may wait for one another.
os.environ["NPROC"] = "10"

import jax

jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_numpy_rank_promotion", "raise")
