"""The command that draws what the shipped weights make of clips."""

import commands
import numpy as np
import pytest
import small
from PIL import Image

from adavsr_jax import video
from experiments import degradations, rows

pytestmark = pytest.mark.slow

_CLIPS = small.clips(2, 7, 48)


def _run(*arguments):
    return commands.run("experiments.before_after", *arguments)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for name, clip in zip("ab", _CLIPS, strict=True):
        video.write(folder / "clips" / name, clip, 25)
    return folder


def test_a_given_frame_and_one_made_between_are_drawn(folder):
    flags = [f"--clips={folder / 'clips'}", "--names=a,b", "--kernel=iso2.0"]
    done = _run(*flags, f"--output={folder / 'a.png'}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("a: ") and "\nb: " in done.stdout
    assert str(folder / "a.png") in done.stdout
    with Image.open(folder / "a.png") as picture:
        sheet = np.asarray(picture).astype(int)
    kernel = degradations.load_kernel("iso2.0")
    for number, clip in enumerate(_CLIPS):
        middle = rows.degrade(clip, kernel)[2].astype(int)
        held = middle.repeat(4, axis=0).repeat(4, axis=1)
        # Frame 4 of 7 is the third that is given; frame 5 is made.
        for row, frame in enumerate((4, 5)):
            before, after = (_panel(sheet, row, 2 * number + n) for n in (0, 1))
            np.testing.assert_allclose(before, held, atol=1)
            errors = np.mean((after - _CLIPS.astype(int)) ** 2, axis=(2, 3, 4))
            assert np.unravel_index(errors.argmin(), errors.shape) == (number, frame)
            assert errors.min() < np.mean((held - clip[frame]) ** 2)


def _panel(sheet, row, column):
    """A panel of 48 x 48 pixels, each drawn as 2 x 2, two lines of text above it."""
    top, left = 8 + 44 + row * (44 + 96 + 16), 8 + column * (96 + 8)
    drawn = sheet[top : top + 96, left : left + 96]
    np.testing.assert_array_equal(drawn, drawn[::2, ::2].repeat(2, 0).repeat(2, 1))
    return drawn[::2, ::2]


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
