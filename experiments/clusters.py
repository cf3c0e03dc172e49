"""The processes of a cluster, joined by JAX's own runtime, and how they stop together.

Who they are is read from the environment: of SLURM's `srun`, of a TPU slice, or from
three variables that a launcher sets (`experiments/launch`).
"""

import contextlib
import functools
import os
import signal
import sys
import threading
from collections.abc import Iterator

import jax
from jax.experimental import multihost_utils

from experiments import cli

_ADDRESS, _COUNT, _INDEX = (
    "JAX_COORDINATOR_ADDRESS",
    "JAX_NUM_PROCESSES",
    "JAX_PROCESS_ID",
)
# Set by the launcher of TPU VMs, whose environment does not tell that they are several.
_TPU = "ADAVSR_TPU_SLICE"
# Of a step; a batch script outside `srun` has the number of tasks too, but no others.
_SLURM = ("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_PROCID", "SLURM_LOCALID")
# The others are told that a process is gone when it has been silent for so long.
_SILENCE_SECONDS = 60
# What an all-reduce over the network or the runtime says when a process has gone.
_GONE = ("Gloo", "UNAVAILABLE", "Connection reset", "Connection closed")


def join() -> None:
    """Joins the processes of this run, if there are several; before JAX is used.

    Raises an InputError where the environment tells of some of what it needs.
    """
    if not (found := _found(os.environ)):
        return
    jax.distributed.initialize(heartbeat_timeout_seconds=_SILENCE_SECONDS, **found)
    sys.excepthook = functools.partial(_end_at_once, sys.excepthook)
    if jax.process_index():
        # One of them tells of the run; what goes wrong here goes to stderr.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def leave() -> None:
    """Waits for the others before this process ends: it may be the one they ask."""
    if jax.process_count() > 1:
        jax.distributed.shutdown()


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Within: the end of another process is a ConnectionError, where it is told so.

    Over NCCL or a TPU's links it need not be: there the runtime ends this process with
    its own line, after so many seconds of silence.
    """
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if jax.process_count() == 1 or not any(w in str(error) for w in _GONE):
            raise
        raise ConnectionError(
            "another process of this run has ended, its own output says why; give the "
            f"same command to all to go on from what is saved ({error})"
        ) from error


def meet(place: str) -> None:
    """Waits until all are here."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(place)


def is_first() -> bool:
    """Whether this is the process that writes what there is one of."""
    return jax.process_index() == 0


class StopSignal:
    """SIGINT and SIGTERM of any process, which all hear of at the same step."""

    def __init__(self):
        self._alone = jax.process_count() == 1
        if self._alone:
            self._signal = cli.StopSignal()
        else:  # SIGTERM is the runtime's, which tells the others
            signal.signal(
                signal.SIGINT, lambda *_: os.kill(os.getpid(), signal.SIGTERM)
            )

    def reached(self, step: int) -> bool:
        """Whether to stop after `step`; asked by all, of every step."""
        if self._alone:
            return self._signal.received
        return multihost_utils.reached_preemption_sync_point(step)


def _end_at_once(tell, kind, error, trace):
    """Of an error that nobody catches: the others wait for this process in vain."""
    tell(kind, error, trace)
    if threading.current_thread() is threading.main_thread():
        # Python's own end would wait for them first, for minutes.
        cli.leave_at_once(1)


def _found(environment):
    """Arguments of `jax.distributed.initialize`; empty for one process alone."""
    told = [name for name in (_ADDRESS, _COUNT, _INDEX) if environment.get(name)]
    if len(told) == 3:
        try:
            count, index = int(environment[_COUNT]), int(environment[_INDEX])
        except ValueError as error:
            raise cli.InputError(
                f"{_COUNT}={environment[_COUNT]} and {_INDEX}={environment[_INDEX]} in "
                "the environment must be whole numbers"
            ) from error
        if not 0 <= index < count:
            raise cli.InputError(
                f"{_INDEX}={index} in the environment must be 0 .. {count - 1}, below "
                f"{_COUNT}={count}"
            )
        address = environment[_ADDRESS]
        told = {"coordinator_address": address, "num_processes": count}
        # All is told: nothing is left to detect.
        told |= {"process_id": index, "cluster_detection_method": "deactivate"}
        return told if count > 1 else {}
    if told:
        raise cli.InputError(
            f"the environment has {' and '.join(told)} alone: set {_ADDRESS}, {_COUNT} "
            f"and {_INDEX}, or none of them"
        )
    if all(name in environment for name in _SLURM):
        if int(environment.get("SLURM_NTASKS", "1")) > 1:
            return {"cluster_detection_method": "slurm"}
    elif "," in environment.get("TPU_WORKER_HOSTNAMES", "") or environment.get(_TPU):
        return {"cluster_detection_method": None}
    return {}
