"""The command that draws what the shipped weights make of clips."""

import os
import pathlib
import subprocess
import sys

import pytest
import small
from PIL import Image

from adavsr_jax import video

_ROOT = pathlib.Path(__file__).parent.parent
pytestmark = pytest.mark.slow


def _run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "experiments.before_after", *map(str, arguments)],
        cwd=_ROOT,
        env=os.environ
        | {
            "JAX_NUM_CPU_DEVICES": "1",
            "XLA_FLAGS": "--xla_backend_optimization_level=0",
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    video.write(folder / "clips" / "a", small.clips(1, 7, 48)[0], 25)
    return folder


def test_a_given_frame_and_one_made_between_are_drawn(folder):
    flags = [f"--clips={folder / 'clips'}", "--names=a", "--kernel=iso2.0"]
    done = _run(*flags, f"--output={folder / 'a.png'}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("a: ") and str(folder / "a.png") in done.stdout
    with Image.open(folder / "a.png") as picture:
        assert picture.width > 2 * 2 * 48 and picture.height > 2 * 2 * 48


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--names=b", "--output=x.png"], "no clip 'b'; there are a"),
        (["--names=a", "--output=x.jpg"], "must end in .png"),
        (["--names=a", "--output=x.png", "--kernel=blunt"], "unknown kernel"),
    ],
)
def test_bad_flags_are_one_line(folder, flags, words):
    done = _run(f"--clips={folder / 'clips'}", *flags)
    assert done.returncode == 2 and not done.stdout
    assert words in done.stderr and len(done.stderr.splitlines()) == 1
