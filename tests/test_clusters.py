"""Real processes on this machine train one run, as those of a cluster would."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys

import commands
import jax
import ml_collections
import numpy as np
import optax
import pytest

from adavsr_jax import checkpoints
from experiments import build, cli, clusters

ROOT = pathlib.Path(__file__).parent.parent
STEPS = 20
# The words in which Gloo tells of its connections: two at once may share a line, or
# tear it, so that a number stands alone on one.
_GLOO = re.compile(
    r"\b(Gloo|Rank|is connected to|peer ranks|Expected number of connected|is)\b"
)
_TINY = [
    *commands.TINY,
    "--config.data.rendered_clips=8",
    "--config.large_scale.steps=12",
    "--config.large_scale.batch=8",
    f"--config.meta.steps={STEPS - 12}",
    "--config.meta.batch=8",
    "--config.run.log_every_steps=1",
    "--config.run.save_every_steps=10",
]


_PROGRAM = ("-m", "experiments.meta_train")
# The same, which believes for an hour that who is silent is still there.
_PATIENT = """
import runpy
from experiments import clusters
clusters._SILENCE_SECONDS = 3600
runpy.run_module("experiments.meta_train", run_name="__main__", alter_sys=True)
"""


def _free_port():
    with socket.socket() as server:
        server.bind(("localhost", 0))
        return server.getsockname()[1]


def _start(workdir, processes, devices, *more, program=_PROGRAM):
    address = f"localhost:{_free_port()}"
    command = [sys.executable, *program, f"--workdir={workdir}"]
    return [
        subprocess.Popen(
            [*command, *_TINY, *more],
            cwd=ROOT,
            env=os.environ
            | commands.QUICK
            | {
                "JAX_NUM_CPU_DEVICES": str(devices),
                "JAX_COORDINATOR_ADDRESS": address,
                "JAX_NUM_PROCESSES": str(processes),
                "JAX_PROCESS_ID": str(index),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for index in range(processes)
    ]


def _finish(started, status=0):
    outputs = [process.communicate(timeout=500)[0] for process in started]
    assert [process.returncode for process in started] == [status] * len(started), (
        outputs
    )
    return outputs


def _end(workdir):
    """The parameters after the last step."""
    config = ml_collections.ConfigDict(
        json.loads((workdir / "config.json").read_text())
    )
    saved = checkpoints.Checkpoints(workdir / "checkpoints")
    state = saved.restore(STEPS, jax.eval_shape(lambda: build.initial_state(config)))
    saved.close()
    assert state.step == STEPS
    return config, state.params


def _assert_same(workdir, other):
    """To 1e-5 of the update, in the Euclidean norm.

    Of single weights Adam makes more of a rounding where their gradient is small:
    2.5e-5 of the largest weight's update was seen.
    """
    (config, params), (_, expected) = _end(workdir), _end(other)
    start = build.initial_state(config).params
    distance = lambda one, two: optax.tree.norm(jax.tree.map(np.subtract, one, two))
    assert distance(params, expected) <= 1e-5 * distance(expected, start)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A run of one process with one device."""
    workdir = tmp_path_factory.mktemp("alone")
    _finish(_start(workdir, 1, 1))
    return workdir


@pytest.mark.slow
def test_eight_devices_of_one_or_of_two_processes_do_as_one(alone, tmp_path):
    for processes, devices in ((1, 8), (2, 4)):
        workdir = tmp_path / f"{processes}x{devices}"
        outputs = _finish(_start(workdir, processes, devices))
        assert "8 cpu device(s), from step 0" in outputs[0]
        for said in outputs[1:]:  # one of them tells
            assert not re.search("[A-Za-z]", _GLOO.sub("", said)), said
        _assert_same(workdir, alone)
        logged = [(found / "metrics.jsonl") for found in (workdir, alone)]
        steps = [
            [json.loads(line)["step"] for line in path.read_text().splitlines()]
            for path in logged
        ]
        assert steps[0] == steps[1]


@pytest.mark.slow
def test_a_signal_to_one_stops_all_and_another_number_goes_on(alone, tmp_path):
    workdir = tmp_path / "run"
    started = _start(workdir, 2, 1, "--config.run.save_every_steps=100")
    for line in started[0].stdout:
        if line.startswith("step 2 "):
            break
    started[1].send_signal(signal.SIGTERM)
    outputs = _finish(started, status=75)
    assert "interrupted: give the same command to go on" in outputs[1]
    outputs = _finish(_start(workdir, 1, 2))
    first = int(re.search(r"2 cpu device\(s\), from step (\d+)", outputs[0])[1])
    assert 2 <= first < STEPS
    _assert_same(workdir, alone)


@pytest.mark.slow
@pytest.mark.parametrize("gone", [0, 1])
def test_a_process_that_is_gone_ends_the_others_with_a_line(tmp_path, gone):
    more = ("--config.run.save_every_steps=100", "--config.large_scale.steps=5000")
    program = ("-c", _PATIENT)
    started = _start(tmp_path / "run", 2, 1, *more, program=program)
    for line in started[0].stdout:
        if line.startswith("step 2 "):
            break
    started[gone].kill()
    # Heard by the closed connection, long before the silence is.
    said, _ = started[1 - gone].communicate(timeout=300)
    assert started[1 - gone].returncode not in (0, 75)
    assert re.search(
        r"^error: another process of this run has ended|another task died",
        said,
        re.MULTILINE,
    ), said
    started[gone].communicate()


_TOLD = {
    "JAX_COORDINATOR_ADDRESS": "host:1",
    "JAX_NUM_PROCESSES": "4",
    "JAX_PROCESS_ID": "3",
}
_STEP = {
    "SLURM_JOB_ID": "7",
    "SLURM_STEP_NODELIST": "n1",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_NTASKS": "2",
}


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, {}),
        (
            _TOLD,
            {
                "coordinator_address": "host:1",
                "num_processes": 4,
                "process_id": 3,
                "cluster_detection_method": "deactivate",
            },
        ),
        (_TOLD | {"JAX_NUM_PROCESSES": "1", "JAX_PROCESS_ID": "0"}, {}),
        (_STEP, {"cluster_detection_method": "slurm"}),
        (_STEP | {"SLURM_NTASKS": "1"}, {}),
        ({"SLURM_JOB_ID": "7", "SLURM_NTASKS": "2", "SLURM_PROCID": "0"}, {}),
        ({"TPU_WORKER_HOSTNAMES": "a,b"}, {"cluster_detection_method": None}),
        ({"TPU_WORKER_HOSTNAMES": "localhost"}, {}),
        ({"ADAVSR_TPU_SLICE": "1"}, {"cluster_detection_method": None}),
    ],
)
def test_who_they_are_is_read_from_the_environment(environment, found):
    assert clusters._found(environment) == found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"JAX_NUM_PROCESSES": "two"}, "must be whole numbers"),
        ({"JAX_PROCESS_ID": "4"}, "JAX_PROCESS_ID=4 in the environment must be 0 .. 3"),
        ({"JAX_PROCESS_ID": ""}, "alone: set JAX_COORDINATOR_ADDRESS, JAX_NUM_PROC"),
    ],
)
def test_half_an_environment_is_refused(change, words):
    with pytest.raises(cli.InputError, match=words):
        clusters._found(_TOLD | change)
