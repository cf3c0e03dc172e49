"""A command in a process of its own, for tests: as a person would start it."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent
# Compiled with little effort, the smallest training takes 53 s of CPU instead of 86.
QUICK = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}
# The smallest training: networks of a few hundred weights, crops of a few pixels.
TINY = [
    "--config=experiments/configs/demo.py",
    "--config.network.tsr_channels=3",
    "--config.network.tsr_blocks=1",
    "--config.network.ssr_channels=4",
    "--config.network.ssr_blocks=1",
    "--config.large_scale.patch=32",
    "--config.meta.patch=48",
    "--config.meta.query_size=6",
    "--config.inner.steps=2",
    "--config.run.validation_clips=1",
]


def run(module, *arguments, **environment):
    """What `python -m MODULE ARGUMENTS` on one device says and ends with."""
    return subprocess.run(
        _words(module, arguments),
        **surroundings(environment),
        capture_output=True,
        check=False,
    )


def start(module, *arguments, **environment):
    """The same command under way, what it says in pipes."""
    return subprocess.Popen(
        _words(module, arguments),
        **surroundings(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _words(module, arguments):
    return [sys.executable, "-m", module, *map(str, arguments)]


def surroundings(environment):
    env = os.environ | QUICK | {"JAX_NUM_CPU_DEVICES": "1"} | environment
    return {"cwd": ROOT, "env": env, "text": True}
