"""The command itself: both phases, killed and resumed, and what it leaves behind."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import commands
import filelock
import jax
import numpy as np
import pytest
import small

from adavsr_jax import kernels
from experiments import trained

ROOT = pathlib.Path(__file__).parent.parent
STEPS = 7  # four of large-scale training, three of meta-transfer learning
TINY = [
    *commands.TINY,
    "--config.data.rendered_clips=4",
    "--config.large_scale.steps=4",
    "--config.large_scale.batch=2",
    "--config.meta.steps=3",
    "--config.meta.batch=2",
    "--config.run.log_every_steps=1",
    "--config.run.save_every_steps=3",
]
pytestmark = pytest.mark.slow


def _start(workdir, *more):
    command = [sys.executable, "-m", "experiments.meta_train", f"--workdir={workdir}"]
    return subprocess.Popen(
        [*command, *TINY, *more],
        cwd=ROOT,
        env=os.environ | commands.QUICK,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _finish(process):
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    return output.splitlines()


def _metrics(workdir):
    """`{(step, stream): values}`, without what the clock measured."""
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    keys = [(record.pop("step"), record.pop("stream")) for record in records]
    assert len(set(keys)) == len(keys), "a step stands there twice"
    clock = {"seconds_per_step", "waiting_share"}
    values = [{k: v for k, v in r.items() if k not in clock} for r in records]
    return dict(zip(keys, values, strict=True))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "undisturbed"
    return workdir, _finish(_start(workdir))


def test_says_what_it_does_and_leaves_what_it_promised(undisturbed):
    workdir, lines = undisturbed
    assert lines[-1].startswith("final params sha256: ")
    assert lines[-1].endswith(f" step: {STEPS}")
    assert any("second order" in line and "K = 2" in line for line in lines)
    config = json.loads((workdir / "config.json").read_text())
    assert config["inner"]["steps"] == 2
    assert list((workdir / "tensorboard").iterdir())
    steps = [step for step, stream in _metrics(workdir) if stream == "validation"]
    assert steps == [3, 6, STEPS]


def test_killed_and_resumed_is_undisturbed(undisturbed, tmp_path):
    """run(n); SIGKILL; run(): the same weights, bit for bit, the same record."""
    process = _start(tmp_path)
    deadline = time.monotonic() + 300
    while not (tmp_path / "checkpoints" / "3").exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    lines = _finish(_start(tmp_path))
    assert any(line.endswith(("from step 3", "from step 6")) for line in lines)
    workdir, undisturbed_lines = undisturbed
    assert lines[-1] == undisturbed_lines[-1]
    assert _metrics(tmp_path) == _metrics(workdir)


def test_a_finished_run_goes_on_with_more_steps_and_says_so(undisturbed, tmp_path):
    workdir, lines = undisturbed
    copy = shutil.copytree(workdir, tmp_path / "copy")
    more = _finish(_start(copy, f"--config.meta.steps={STEPS - 3}"))
    assert any("config.meta.steps 3 -> 4" in line for line in more)
    assert any(line.endswith(f"from step {STEPS}") for line in more)
    assert more[-1].endswith(f" step: {STEPS + 1}")
    assert more[-1] != lines[-1]


def test_a_run_stays_in_the_phase_that_it_was_in(undisturbed):
    workdir, _ = undisturbed
    before = (workdir / "config.json").read_bytes()
    process = _start(workdir, "--config.large_scale.steps=9")
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 2 and output.count("\n") == 1
    assert "set config.large_scale.steps=4, or" in output
    assert (workdir / "config.json").read_bytes() == before


def test_a_second_run_is_kept_out(tmp_path):
    with filelock.FileLock(tmp_path / "lock"):
        second = _start(tmp_path)
        output, _ = second.communicate(timeout=600)
    assert second.returncode == 2
    assert output.count("\n") == 1
    assert "another run is training there" in output
    assert not (tmp_path / "config.json").exists()


def test_weights_adapt_and_restore(undisturbed):
    """What the run left is what `super_resolve` and `evaluate` need."""
    weights = trained.load(undisturbed[0])
    lr = small.clips(1, 5, 32)[0]
    kernel = kernels.gaussian(1.6, 1.6, 0.0)
    still = weights.adapt(weights.params, lr, kernel, 0)
    jax.tree.map(np.testing.assert_array_equal, still.params, weights.params)
    moved = weights.adapt(weights.params, lr, kernel, 2)
    np.testing.assert_allclose(moved.held_out[0], still.held_out[0], rtol=1e-5)
    assert np.isfinite(moved.held_out).all()
    after = jax.tree.map(lambda leaf: leaf[2], moved.trajectory)
    assert trained.digest(after) != trained.digest(weights.params) == weights.sha256
    frames = np.stack(list(weights.restore(after, lr, kernel)))
    assert frames.shape == (9, 128, 128, 3)
    assert frames.dtype == np.uint8
