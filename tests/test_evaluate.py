"""The command on a folder of two tiny rendered clips; its refusals; its rows."""

import json
import subprocess
import sys

import numpy as np
import pytest
import small
import untrained
from absl import flags
from absl.testing import flagsaver

from adavsr_jax import (
    degradation,
    kernels,
    metrics,
    pixels,
    resampling,
    video,
)
from experiments import cli, evaluate, rows

_FIELDS = {
    "row": str,
    "kernel": str,
    "kernel_mode": str,
    "protocol": str,
    "clip": str,
    "steps": int,
    "psnr_y": float,
    "psnr_y_given": float,
    "psnr_y_interpolated": float,
    "ssim_y": float,
    "frames": int,
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A folder of two clips of 8 and 7 frames, the first no multiple of 16 high."""
    folder = tmp_path_factory.mktemp("clips")
    first, second = small.clips(2, 8, 48)
    video.write(folder / "a", first[:, :40], 25)
    video.write(folder / "b", second[:7, :32], 25)
    return folder


def _run(*arguments):
    with flagsaver.flagsaver():
        flags.FLAGS(["evaluate", *arguments])
        evaluate.main([])


def _results(output):
    return json.loads((output / "results.json").read_text())


def test_a_run_leaves_every_field_of_every_row(clips, tmp_path, capsys):
    _run(
        f"--clips={clips}",
        f"--output={tmp_path}",
        "--kernels=bicubic,iso1.6",
        "--kernel_mode=oracle,bicubic",
        "--protocols=all,zsm",
    )
    written = _results(tmp_path)
    found = written["results"]
    assert len(found) == 2 * 2 * 2 * 2  # clips, kernels, modes, protocols
    for result in found:
        assert {name: type(value) for name, value in result.items()} == _FIELDS
        assert result["frames"] == 7 and 10 < result["psnr_y"] < 50
    assert {"command", "commit", "versions", "hardware", "weights", "time"} <= set(
        written["provenance"]
    )
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]
    assert capsys.readouterr().out.count("2 clips") == 8


def test_trilinear_is_what_its_name_says(clips, tmp_path):
    _run(f"--clips={clips}", f"--output={tmp_path}", "--kernels=iso2.0")
    truth = np.stack(list(video.frames(clips / "a")))[:7, :32]
    kernel = kernels.gaussian(2, 2, 0)
    lr = degradation.degrade(pixels.to_float(truth), kernel, "drop")
    restored = np.asarray(pixels.to_uint8(resampling.trilinear(lr)))
    first = _results(tmp_path)["results"][0]
    # Compiled window by window: a value in a thousand may round the other way.
    psnr = metrics.psnr_y(restored, truth)
    np.testing.assert_allclose(first["psnr_y"], psnr.mean(), atol=0.002)
    np.testing.assert_allclose(first["psnr_y_given"], psnr[::2].mean(), atol=0.002)


def test_predictions_are_scored_under_their_folder_name(clips, tmp_path):
    theirs = tmp_path / "theirs"
    for name in ("a", "b"):
        truth = np.stack(list(video.frames(clips / name)))[:7, :32]
        video.write(theirs / name, truth // 2 * 2, 25)
    _run(
        f"--clips={clips}",
        f"--predictions={theirs}",
        "--rows=",
        f"--output={tmp_path / 'out'}",
    )
    found = _results(tmp_path / "out")["results"]
    assert [(r["row"], r["clip"], r["steps"]) for r in found] == [
        ("theirs", "a", 0),
        ("theirs", "b", 0),
    ]
    # Half of the values are off by one: the error is at most one code value.
    assert all(r["psnr_y"] > 48 for r in found)


def test_frames_without_error_are_null_in_the_file(clips, tmp_path):
    for name in ("a", "b"):
        truth = np.stack(list(video.frames(clips / name)))[:7, :32]
        video.write(tmp_path / "same" / name, truth, 25)
    _run(
        f"--clips={clips}",
        f"--predictions={tmp_path / 'same'}",
        "--rows=",
        f"--output={tmp_path}",
    )
    assert {r["psnr_y"] for r in _results(tmp_path)["results"]} == {None}
    assert {r["ssim_y"] for r in _results(tmp_path)["results"]} == {1.0}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--clips=nowhere"], "nowhere: no such folder"),
        (["--clips=."], "holds no videos"),
        (["--clips="], "--clips=DIR is missing"),
        (["--rows=trilinear,theirs"], "'theirs'; choose of trilinear, ours"),
        (["--rows="], "--rows: nothing named"),
        (["--rows=ours"], "needs --weights=DIR"),
        (["--rows=ours", "--weights=nowhere"], "no trained weights in nowhere"),
        (["--kernel_mode=estimated"], "not estimated yet"),
        (["--kernel_mode=guessed"], "'guessed'; choose of oracle, bicubic"),
        (["--kernels=iso1.7"], "unknown kernel 'iso1.7'"),
        (["--kernels=iso1.6,iso1.6"], "name each kernel once"),
        (["--protocols=some"], "'some'; choose of all, zsm"),
        (["--steps=0,-1"], "'-1' is not a number of steps"),
        (["--steps="], "--steps: nothing named"),
        (["--predictions=p", "--kernels=bicubic,iso1.6"], "--kernels names 2"),
        (["--predictions=nowhere"], "nowhere: holds no a"),
        (["--predictions=x/trilinear"], "named as one of --rows"),
    ],
)
def test_refusals(clips, tmp_path, monkeypatch, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(cli.InputError) as error:
        _run(f"--clips={clips}", f"--output={tmp_path / 'out'}", *arguments)
    assert complaint in str(error.value)
    assert not (tmp_path / "out" / "results.json").exists()


def test_predictions_of_another_length_are_refused(clips, tmp_path):
    truth = np.stack(list(video.frames(clips / "a")))
    video.write(tmp_path / "p" / "a", truth, 25)
    video.write(tmp_path / "p" / "b", truth, 25)
    with pytest.raises(
        cli.InputError, match="8 frames of 40 x 48, expected 7 frames of 32 x 48"
    ):
        _run(f"--clips={clips}", f"--predictions={tmp_path / 'p'}", "--rows=")


def test_what_is_missing_is_told_before_anything_is_scored(clips, tmp_path, capsys):
    video.write(tmp_path / "p" / "a", np.zeros((7, 32, 48, 3), np.uint8), 25)
    with pytest.raises(cli.InputError, match="p: holds no b"):
        _run(f"--clips={clips}", f"--predictions={tmp_path / 'p'}")
    assert not capsys.readouterr().out


def test_ours_adapts_from_the_trained_weights_for_each_row(clips):
    weights = untrained.weights()
    truth = np.stack(list(video.frames(clips / "b")))
    kernel = np.asarray(kernels.gaussian(3, 3, 0))
    lr = rows.degrade(truth, kernel)
    found = {
        (row.modes[0], row.steps): np.stack(list(row.restorer(0, 4)))
        for row in rows.ours(weights, lr, kernel, ["oracle", "bicubic"], [2, 0])
    }
    plain = np.stack(list(weights.restore(weights.params, lr)))
    np.testing.assert_array_equal(found["oracle", 0], plain)
    np.testing.assert_array_equal(found["bicubic", 0], plain)
    for mode, told in (("oracle", kernel), ("bicubic", np.asarray(kernels.bicubic()))):
        adapted, _ = weights.adapt(weights.params, lr, told, 2)
        expected = np.stack(list(weights.restore(adapted, lr)))
        np.testing.assert_array_equal(found[mode, 2], expected)
    assert (found["oracle", 2] != plain).any()
    assert (found["oracle", 2] != found["bicubic", 2]).any()


def test_a_refusal_is_one_line_and_status_2(pytestconfig):
    done = subprocess.run(
        [sys.executable, "-m", "experiments.evaluate", "--clips=nowhere"],
        cwd=pytestconfig.rootpath,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "error: --clips=nowhere: no such folder\n"
