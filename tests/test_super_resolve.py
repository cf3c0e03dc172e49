"""The command refuses in one line, with status 2, before anything is written."""

import subprocess
import sys

import numpy as np
import pytest

from adavsr_jax import video


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags, words",
    [
        (["--kernel=bicubic", "--weights=w", "--output=o"], "no trained weights in w"),
        (["--kernel=sharp", "--weights=w", "--output=o"], "unknown kernel 'sharp'"),
        (["--kernel=k.npy", "--weights=w", "--output=o"], "k.npy: no such kernel"),
        (
            ["--estimator_weights=e", "--weights=w", "--output=o"],
            "weights in e: config",
        ),
        (["--estimator=guess", "--weights=w", "--output=o"], "network|recurrence|spec"),
        (["--adapt_steps=-1", "--weights=w", "--output=o"], "adapt_steps"),
        (["--weights=w", "--output=."], "not numbered frames"),
        (["--weights=w", "--output=out.gif"], "cannot write .gif"),
    ],
)
def test_bad_flags_get_one_line(tmp_path, pytestconfig, flags, words):
    (tmp_path / "kept.txt").touch()
    video.write(tmp_path / "in.mp4", np.zeros((2, 8, 8, 3), np.uint8), 10)
    before = sorted(tmp_path.iterdir())
    done = subprocess.run(
        [sys.executable, "-m", "experiments.super_resolve", "--input=in.mp4", *flags],
        cwd=tmp_path,
        env={"PYTHONPATH": str(pytestconfig.rootpath), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and words in line
    assert sorted(tmp_path.iterdir()) == before
