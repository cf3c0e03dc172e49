"""Seconds, interleaved; the convolution rate; the peak of a process of its own."""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

from adavsr_jax import convolution

ROUNDS = 7
_CONVOLUTIONS = 200


def interleaved(runs, rounds=ROUNDS, tell=lambda line: None):
    """Seconds `[rounds, len(runs)]` of calls in turn; all have run once before."""
    seconds = np.empty((rounds, len(runs)))
    for r in range(rounds):
        for n, run in enumerate(runs):
            began = time.perf_counter()
            run()
            seconds[r, n] = time.perf_counter() - began
        tell(f"round {r + 1} of {rounds}")
    return seconds


def machine_rate(devices):
    """`(run, operations)` of what this backend does fastest."""
    if jax.default_backend() == "cpu":
        return convolution_rate(devices)
    return matmul_rate()


def convolution_rate(devices):
    """`(run, operations)`: convolutions `[4, 16, 16, 32]`, 32 -> 32, one after another.

    In a loop on each of `devices`, as the inner loop has them.
    """
    kernel = jnp.eye(32)[None, None] * jnp.full((3, 3, 1, 1), 1 / 9)

    def local(image):
        step = lambda x, _: (convolution.convolve(x, kernel, ((1, 1), (1, 1))), None)
        return jax.lax.scan(step, image, length=_CONVOLUTIONS)[0]

    call = jax.pmap(local, devices=jax.devices()[:devices])
    image = jnp.ones((devices, 4, 16, 16, 32))
    run = lambda: call(image).block_until_ready()
    return run, devices * _CONVOLUTIONS * 2 * 9 * 32 * 32 * 4 * 16 * 16


def matmul_rate():
    """`(run, operations)`: products of square matrices, as fast as the backend does."""
    size, count = 4096, 20
    product = lambda x, _: (x @ matrix, None)
    matrix = jnp.eye(size)
    call = jax.jit(lambda x: jax.lax.scan(product, x, length=count)[0])
    run = lambda: call(matrix).block_until_ready()
    return run, count * 2 * size**3


def peaks(requests):
    """Bytes that a run adds to a process of its own; None where they can't be had.

    On an accelerator the peak in use there, else the growth of resident memory. One
    process at a time on an accelerator, one a core else.

    Args:
      requests: `[(name, shape, arguments), ...]` of programs.
    """
    at_once = 1 if jax.default_backend() != "cpu" else os.cpu_count()
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(_peak, requests))


# Not `-m`: what has a main guard is a command for a person.
_TELL = "from experiments.benchmarks import peak; peak.tell()"


def _peak(request):
    done = subprocess.run(
        [sys.executable, "-c", _TELL, json.dumps(request)],
        capture_output=True,
        text=True,
        check=False,
        # What is freed goes back at once, else a second run would reuse it unseen.
        env=os.environ
        | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"},
    )
    if done.returncode:
        raise RuntimeError(f"the peak of {request[0]} was not measured: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def resident_growth(run, calls=3):
    """By how much calls raise the resident memory of this process at most, bytes.

    What one gives back a little late is not taken for the next one's.
    """
    reset = pathlib.Path("/proc/self/clear_refs")
    before, peak = [], []
    for _ in range(calls):
        time.sleep(0.2)
        try:
            reset.write_text("5")
        except OSError:
            return None
        before.append(_status("VmRSS"))
        run()
        peak.append(_status("VmHWM"))
    return max(peak) - min(before)


def _status(field):
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")
