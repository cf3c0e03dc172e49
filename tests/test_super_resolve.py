"""The command refuses in one line, with status 2, before anything is written."""

import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags, words",
    [
        (["--kernel=estimate", "--weights=w", "--output=out.mp4"], "--kernel=bicubic"),
        (["--weights=w", "--output=out.mp4"], "no trained weights in w"),
        (["--weights=w", "--output=."], "not numbered frames"),
        (["--weights=w", "--output=out.gif"], "cannot write .gif"),
    ],
)
def test_bad_flags_get_one_line(tmp_path, pytestconfig, flags, words):
    (tmp_path / "kept.txt").touch()
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
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]
