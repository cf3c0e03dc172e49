"""The command that trains the namer of blurs: stopped and resumed, refused, used."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import commands
import numpy as np
import pytest
import small

from adavsr_jax import kernels
from experiments import estimators

_ROOT = pathlib.Path(__file__).parent.parent
_STEPS = 240
_TINY = {
    "data.rendered_clips": 2,
    "data.weights": (1.0,),
    "data.frames": 3,
    "network.channels": 2,
    "network.features": 2,
    "estimator.steps": _STEPS,
    "estimator.batch": 2,
    "estimator.patch": 32,
    "run.log_every_steps": 1,
    "run.save_every_steps": 100,
    "run.validation_clips": 1,
}
_ENVIRONMENT = commands.QUICK | {"JAX_NUM_CPU_DEVICES": "1"}
pytestmark = pytest.mark.slow


def _start(workdir, **changes):
    fields = (_TINY | changes).items()
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "experiments.train_kernel_estimator",
            "--config=experiments/configs/kernel_estimator.py",
            f"--workdir={workdir}",
            *(f"--config.{name}={value}" for name, value in fields),
        ],
        cwd=_ROOT,
        env=os.environ | _ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _finish(process):
    output, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    return output.splitlines()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "undisturbed"
    return workdir, _finish(_start(workdir))


def _scores(workdir):
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return {r["step"]: r for r in records if r["stream"] == "validation"}


def test_says_what_it_does_and_judges_by_the_error_of_kernels(undisturbed):
    workdir, lines = undisturbed
    assert any("blurs named, uniform kernels" in line for line in lines)
    assert lines[-1].startswith("final params sha256: ")
    assert lines[-1].endswith(f" step: {_STEPS}")
    errors = {step: each["kernel_error"] for step, each in _scores(workdir).items()}
    assert list(errors) == [100, 200, _STEPS]
    kept = {int(path.name) for path in (workdir / "checkpoints").iterdir()}
    assert min(errors, key=errors.get) in kept


def test_stopped_and_resumed_is_undisturbed(undisturbed, tmp_path):
    """run(n); SIGTERM, which saves; run(): the same weights, bit for bit."""
    process = _start(tmp_path)
    for line in process.stdout:
        if line.startswith("step 3 "):
            break
    process.send_signal(signal.SIGTERM)
    said, told = process.communicate(timeout=600)
    assert (process.returncode, told.count("\n")) == (75, 1), told
    assert told.startswith("interrupted: ")
    saved = max(int(path.name) for path in (tmp_path / "checkpoints").iterdir())
    assert 3 <= saved < _STEPS
    assert f"step {saved} is saved, not judged; the best is none so far\n" in said
    lines = _finish(_start(tmp_path))
    assert any(line.endswith(f"from step {saved}") for line in lines)
    assert lines[-1] == undisturbed[1][-1]
    scores, expected = _scores(tmp_path), _scores(undisturbed[0])
    assert _STEPS in scores
    assert scores == {step: expected[step] for step in scores}


def test_what_it_trained_names_blurs_or_says_that_it_cannot(undisturbed):
    estimator = estimators.load("network", str(undisturbed[0]))
    assert estimator.identity.startswith("network ")
    found = estimator.estimate(small.clips(1, 4, 32)[0])
    kernels.check(np.asarray(found.kernel), "found")
    assert found.assumed == found.told.endswith(" are assumed")


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"estimator.stepz": 3}, "did you mean 'steps'?"),
        ({"estimator.steps": 0}, "config.estimator.steps must be 1 or more; got 0"),
        ({"estimator.patch": 34}, "config.estimator.patch must be a multiple of 4"),
        ({"network.features": 0}, "config.network.features must be 1 or more; got 0"),
        ({"degradation.compression": 0.5}, "degradation.compression must be 1.0 or"),
        ({"outer.average_decay": 1.0}, "average_decay must be 0 or more and below 1"),
        ({"degradation.kernels": "sharp"}, "config.degradation.kernels must be one"),
        ({"outer.over_tasks": "loop"}, "over_tasks must be auto, vmap or scan; got"),
        ({"data.frames": 4}, "config.data.frames must be odd"),
    ],
)
def test_a_bad_field_is_refused_in_one_line(tmp_path, changes, words):
    output, errors = (process := _start(tmp_path / "run", **changes)).communicate()
    assert (process.returncode, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("error: ") and words in errors
    assert not (tmp_path / "run").exists()
