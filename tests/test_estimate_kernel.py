"""The command that tells the blur of each shot: what it leaves, what it refuses."""

import functools
import io

import commands
import naming
import numpy as np
import odd_inputs
import pytest
import small
import untrained
from PIL import Image

from adavsr_jax import kernel_estimation, pictures, video
from experiments import degradations, estimators, streaming

pytestmark = pytest.mark.slow


_run = functools.partial(commands.run, "experiments.estimate_kernel")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A video of two shots, dark and bright, and a network sure of its answer."""
    folder = tmp_path_factory.mktemp("estimate")
    first, second = small.clips(2, 3, 32)
    shots = [first[:2] // 8, second // 8 + np.uint8(200)]
    video.write(folder / "in", np.concatenate(shots), 10)
    naming.save(folder / "network", naming.SURE)
    return folder


def _check(folder, name, done, words):
    """A line, a file and a row of the picture for each of two shots."""
    assert done.returncode == 0, done.stderr
    first, second, written = done.stdout.splitlines()
    assert first.startswith("shot 1: frames 0 to 1: ") and words in first
    assert second.startswith("shot 2: frames 2 to 4: ") and words in second
    assert str(folder / f"{name}.png") in written
    files = sorted(path.name for path in folder.glob(f"{name}*"))
    assert files == [f"{name}.png", f"{name}_1.npy", f"{name}_2.npy"]
    with Image.open(folder / f"{name}.png") as picture:
        assert picture.width > 12 * 20 and picture.height > 2 * 12 * 20
    return [degradations.load_kernel(f"{folder / name}_{n}.npy") for n in (1, 2)]


@pytest.mark.parametrize("output", ["named.npy", "v1.2"])
def test_each_shot_gets_a_line_a_file_and_a_picture(folder, output):
    network = f"--estimator_weights={folder / 'network'}"
    done = _run(f"--input={folder / 'in'}", f"--output={folder / output}", network)
    name = output.removesuffix(".npy")
    found = _check(folder, name, done, "expected error 14%")
    shape = np.float32(naming.SURE[:3])
    expected = kernel_estimation.from_log_cholesky(shape)
    for kernel in found:
        np.testing.assert_allclose(kernel, expected, atol=1e-6)


@pytest.mark.parametrize("name", ["spectrum", "recurrence"])
def test_no_weights_are_needed_for_estimators_that_are_not_trained(folder, name):
    done = _run(
        f"--input={folder / 'in'}", f"--output={folder / name}", f"--estimator={name}"
    )
    _check(folder, name, done, "pixels")


def test_what_is_there_is_kept_unless_it_may_be_replaced(folder, tmp_path):
    flags = [f"--input={folder / 'in'}", f"--estimator_weights={folder / 'network'}"]
    for name in ("blur.png", "blur_2.npy"):
        (tmp_path / name).write_text("mine")
        done = _run(*flags, f"--output={tmp_path / 'blur'}")
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1 and f"{name} exists" in done.stderr
        assert [path.name for path in tmp_path.iterdir()] == [name]
        assert (tmp_path / name).read_text() == "mine"
        (tmp_path / name).unlink()
    (tmp_path / "blur.png").write_text("mine")
    done = _run(*flags, f"--output={tmp_path / 'blur'}", "--overwrite")
    _check(tmp_path, "blur", done, "pixels")


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--input=nowhere", "--output=blur"], "--input=nowhere: no such file"),
        (["--input=in"], "--output is missing"),
        (["--input=in", "--output=blur", "--estimator=guess"], "network|recurrence"),
        (
            ["--input=in", "--output=blur", "--estimator_weights=in"],
            "no trained weights in",
        ),
    ],
)
def test_refusals_are_one_line_and_leave_nothing(folder, tmp_path, flags, words):
    flags = [
        flag.replace("=in", f"={folder / 'in'}").replace("=blur", f"={tmp_path}/blur")
        for flag in flags
    ]
    done = _run(*flags)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and words in done.stderr
    assert not list(tmp_path.iterdir())


class _Told(Exception):
    pass


def _sharpening():
    """70 frames of 16 bits: a dim blurred drawing, sharper from frame 50 on."""
    drawing = np.random.default_rng(0).random((48, 64, 3))
    for axis in (0, 1):
        drawing = sum(np.roll(drawing, n, axis) for n in range(3)) / 3
    blurred = drawing
    for axis in (0, 1):
        blurred = sum(np.roll(blurred, n, axis) for n in range(5)) / 5
    shares = np.clip((np.arange(70) - 50) / 19, 0, 1)
    return [np.uint16(3000 * (blurred + s * (drawing - blurred))) for s in shares]


def test_it_is_what_super_resolve_tells(tmp_path):
    (tmp_path / "in").mkdir()
    for number, frame in enumerate(_sharpening()):
        pictures.write_picture(tmp_path / f"in/{number}.png", frame)
    done = _run(
        f"--input={tmp_path / 'in'}",
        f"--output={tmp_path / 'blur'}",
        "--estimator=spectrum",
    )
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("shot")]
    words = line.removeprefix("shot 1: frames 0 to 69: ")
    spectrum = estimators.load("spectrum")

    def estimate(frames):
        raise _Told(spectrum.estimate(frames))

    request = streaming.Request(tmp_path / "in", tmp_path / "out", steps=0)
    recorder = estimators.Estimator("recorder", estimate)
    with pytest.raises(_Told) as told:
        streaming.restore(request, untrained.weights(), recorder, io.StringIO())
    (found,) = told.value.args
    assert found.told == words
    np.testing.assert_allclose(
        np.load(tmp_path / "blur_1.npy"), found.kernel, atol=1e-5
    )


def test_a_damaged_video_is_told_of(tmp_path):
    source = odd_inputs.CASES["hole"](tmp_path)
    flags = [f"--input={source}", f"--output={tmp_path / 'b'}", "--estimator=spectrum"]
    done = _run(*flags)
    assert done.returncode == 0, done.stderr
    assert "note: " in done.stdout and "damaged stretch" in done.stdout
