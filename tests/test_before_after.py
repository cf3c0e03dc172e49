"""The command that draws what the shipped weights make of clips."""

import commands
import pytest
import small
from PIL import Image

from adavsr_jax import video

pytestmark = pytest.mark.slow


def _run(*arguments):
    soon = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}  # compiled, not fast
    return commands.run("experiments.before_after", *arguments, **soon)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for name, clip in zip("ab", small.clips(2, 7, 48), strict=True):
        video.write(folder / "clips" / name, clip, 25)
    return folder


def test_a_given_frame_and_one_made_between_are_drawn(folder):
    flags = [f"--clips={folder / 'clips'}", "--names=a,b", "--kernel=iso2.0"]
    done = _run(*flags, f"--output={folder / 'a.png'}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("a: ") and "\nb: " in done.stdout
    assert str(folder / "a.png") in done.stdout
    with Image.open(folder / "a.png") as picture:
        assert picture.width > 4 * 2 * 48 and picture.height > 2 * 2 * 48


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--names=c", "--output=x.png"], "no clip 'c'; there are a, b"),
        (["--names=a", "--output=x.jpg"], "must end in .png"),
        (["--names=a", "--output=x.png", "--kernel=blunt"], "unknown kernel"),
        (["--names=a", "--output=x.png", "--weights=c"], "no trained weights in c"),
    ],
)
def test_bad_flags_are_one_line(folder, flags, words):
    done = _run(f"--clips={folder / 'clips'}", *flags)
    assert done.returncode == 2 and not done.stdout
    assert words in done.stderr and len(done.stderr.splitlines()) == 1
