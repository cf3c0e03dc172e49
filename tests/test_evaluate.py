"""The command on a folder of two tiny rendered clips."""

import math
import subprocess
import sys

import evaluation
import numpy as np
import pytest
import small
import untrained

from adavsr_jax import degradation, kernels, metrics, pixels, resampling, video
from experiments import cli

_LABELS = ("row", "kernel", "kernel_mode", "protocol", "clip", "list")
_SPLIT = ("", "_given", "_interpolated")
_FIELDS = {
    **dict.fromkeys(_LABELS, str),
    **dict.fromkeys(("steps", "steps_taken", "frames", "identical"), int),
    **{f"{name}{part}": float for name in ("psnr_y", "ssim_y") for part in _SPLIT},
    **dict.fromkeys(("psnr_y_frames", "ssim_y_frames"), list),
    "lr_consistency": float,
    "niqe": type(None),
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return evaluation.clips(tmp_path_factory.mktemp("clips"))


def test_a_clip_too_small_for_niqe_is_named(clips, tmp_path):
    file = tmp_path / "pristine.npz"
    np.savez(file, mu_pris_param=np.zeros(36), cov_pris_param=np.eye(36))
    words = r"/a: NIQE needs two blocks .*; got 32 x 48; leave --pristine or the clip"
    with pytest.raises(cli.InputError, match=words):
        evaluation.run(
            f"--clips={clips}",
            f"--output={tmp_path}",
            "--kernels=bicubic",
            f"--pristine={file}",
        )


def test_a_run_leaves_every_field_of_every_row(clips, tmp_path, capsys):
    evaluation.run(
        f"--clips={clips}",
        f"--output={tmp_path}",
        "--kernels=bicubic,iso1.6",
        "--kernel_mode=oracle,bicubic",
        "--protocols=all,zsm",
    )
    written = evaluation.written(tmp_path)
    found = written["results"]
    assert len(found) == 2 * 2 * 2 * 2  # clips, kernels, modes, protocols
    for result in found:
        assert {name: type(value) for name, value in result.items()} == _FIELDS
        assert result["frames"] == 7 and 10 < result["psnr_y"] < 50
        assert 15 < result["lr_consistency"] < 60
        assert result["steps"] == result["steps_taken"] == 0
        assert len(result["psnr_y_frames"]) == len(result["ssim_y_frames"]) == 7
    assert {"command", "commit", "versions", "hardware", "weights", "time"} <= set(
        written["provenance"]
    )
    assert written["estimates"] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "results.json",
        "rows.jsonl",
    ]
    assert capsys.readouterr().out.count("2 clips") == 8


def test_each_result_has_its_time(clips, tmp_path):
    flags = ["--kernels=bicubic,iso1.6", "--protocols=all,zsm"]
    evaluation.run(f"--clips={clips}", f"--output={tmp_path}", *flags)
    written = evaluation.written(tmp_path)
    names = [*_LABELS, "steps"]
    assert [[timing[name] for name in names] for timing in written["timings"]] == [
        [result[name] for name in names] for result in written["results"]
    ]
    assert all(timing["seconds_per_frame"] > 0 for timing in written["timings"])


def test_trilinear_is_what_its_name_says(clips, tmp_path):
    evaluation.run(f"--clips={clips}", f"--output={tmp_path}", "--kernels=iso2.0")
    truth, kernel = evaluation.truth(clips, "a"), kernels.gaussian(2, 2, 0)
    lr = degradation.degrade(pixels.to_float(truth), kernel, "drop")
    restored = pixels.to_uint8(resampling.trilinear(lr))
    again = degradation.blur_and_reduce(pixels.to_float(restored[::2]), kernel)
    restored, again, lr = (np.asarray(x) for x in (restored, again, lr))
    first = evaluation.written(tmp_path)["results"][0]
    # Compiled window by window: a value in a thousand may round the other way.
    psnr, ssim = metrics.psnr_y(restored, truth), metrics.ssim_y(restored, truth)
    close = {"rtol": 0, "atol": 0.002}
    np.testing.assert_allclose(first["psnr_y"], psnr.mean(), **close)
    np.testing.assert_allclose(first["psnr_y_given"], psnr[::2].mean(), **close)
    np.testing.assert_allclose(first["psnr_y_frames"], psnr, **close)
    np.testing.assert_allclose(first["ssim_y_interpolated"], ssim[1::2].mean(), **close)
    reduced = metrics.psnr_y(*(np.asarray(pixels.to_uint8(x)) for x in (again, lr)))
    np.testing.assert_allclose(first["lr_consistency"], reduced.mean(), atol=0.02)


def test_predictions_are_scored_under_their_folder_name_in_every_mode(clips, tmp_path):
    for name in ("a", "b"):
        truth = evaluation.truth(clips, name)
        video.write(tmp_path / "theirs" / name, truth // 2 * 2, 25)
    flags = [f"--predictions={tmp_path / 'theirs'}", "--kernel_mode=bicubic,oracle"]
    output = f"--output={tmp_path / 'out'}"
    evaluation.run(f"--clips={clips}", "--rows=", output, *flags)
    found = evaluation.written(tmp_path / "out")["results"]
    assert [(r["row"], r["clip"], r["kernel_mode"], r["steps"]) for r in found] == [
        ("theirs", clip, mode, 0) for clip in "ab" for mode in ("bicubic", "oracle")
    ]
    # Half of the values are off by one: the error is at most one code value.
    assert all(r["psnr_y"] > 48 for r in found)


def test_frames_without_error_are_null_in_the_file_and_told_of(clips, tmp_path, capsys):
    for name in ("a", "b"):
        video.write(tmp_path / "same" / name, evaluation.truth(clips, name), 25)
    predictions = f"--predictions={tmp_path / 'same'}"
    evaluation.run(f"--clips={clips}", predictions, "--rows=", f"--output={tmp_path}")
    for result in evaluation.written(tmp_path)["results"]:
        assert result["psnr_y"] is None and result["psnr_y_frames"] == [None] * 7
        assert result["lr_consistency"] is None
        assert result["ssim_y"] == 1.0 and result["identical"] == 7
    assert "14 (14 without any error" in capsys.readouterr().out


def test_predictions_of_another_length_are_refused(clips, tmp_path):
    truth = np.stack(list(video.frames(clips / "a")))
    video.write(tmp_path / "p" / "a", truth, 25)
    video.write(tmp_path / "p" / "b", truth, 25)
    flags = [f"--predictions={tmp_path / 'p'}", "--rows=", f"--output={tmp_path / 'o'}"]
    with pytest.raises(
        cli.InputError, match="8 frames of 40 x 48, expected 7 frames of 32 x 48"
    ):
        evaluation.run(f"--clips={clips}", *flags)
    assert not (tmp_path / "o" / "results.json").exists()


def test_what_is_missing_is_told_before_anything_is_scored(clips, tmp_path, capsys):
    video.write(tmp_path / "p" / "a", np.zeros((7, 32, 48, 3), np.uint8), 25)
    flags = [f"--predictions={tmp_path / 'p'}", f"--output={tmp_path / 'out'}"]
    with pytest.raises(cli.InputError, match="p: holds no b"):
        evaluation.run(f"--clips={clips}", *flags)
    assert not capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_a_clip_too_short_for_a_protocol_is_refused_by_name(tmp_path):
    video.write(tmp_path / "clips" / "c", np.zeros((6, 16, 16, 3), np.uint8), 25)
    flags = [f"--clips={tmp_path / 'clips'}", f"--output={tmp_path}"]
    with pytest.raises(cli.InputError, match="clips/c: 6 frames, but the protocol 'zs"):
        evaluation.run(*flags, "--protocols=all,zsm")


def test_lists_are_scored_apart(clips, tmp_path, capsys):
    for name, listed in (("slow_testset", "b\na\n"), ("fast_testset", "b\n")):
        (tmp_path / f"{name}.txt").write_text(listed)
    lists = ",".join(f"{tmp_path}/{name}_testset.txt" for name in ("slow", "fast"))
    evaluation.run(f"--clips={clips}", f"--output={tmp_path}", f"--lists={lists}")
    found = evaluation.written(tmp_path)["results"]
    assert [(r["list"], r["clip"]) for r in found] == [
        ("slow", "b"),
        ("slow", "a"),
        ("fast", "b"),
    ]
    assert found[2] == found[0] | {"list": "fast"}
    out = capsys.readouterr().out
    assert "slow 2 clips" in out and "fast 1 clip " in out


@pytest.mark.parametrize("estimator", ["recurrence", "spectrum"])
def test_blurs_are_estimated_without_weights(clips, tmp_path, estimator):
    evaluation.run(
        f"--clips={clips}",
        f"--output={tmp_path}",
        "--kernels=iso1.6,iso2.4",
        "--kernel_mode=oracle,estimated",
        f"--estimator={estimator}",
    )
    written = evaluation.written(tmp_path)
    assert [(e["clip"], e["kernel"]) for e in written["estimates"]] == [
        (clip, kernel) for clip in "ab" for kernel in ("iso1.6", "iso2.4")
    ]
    for estimate in written["estimates"]:
        assert 0 <= estimate["kernel_error"] < 10
        assert estimate["told"] and type(estimate["assumed"]) is bool
    assert written["provenance"]["estimator"] == estimator
    # A row that is told nothing stands under every mode.
    found = written["results"]
    assert len(found) == 2 * 2 * 2
    for oracle, estimated in zip(found[::2], found[1::2], strict=True):
        assert estimated == oracle | {"kernel_mode": "estimated"}


@pytest.fixture(scope="module")
def adapted(tmp_path_factory):
    """What weights leave behind, of a clip wide enough to hold some of it out."""
    folder = tmp_path_factory.mktemp("adapted")
    left, right = small.clips(2, 7, 64)
    wide = np.concatenate([left, right], axis=2)[:, :32]
    video.write(folder / "clips" / "wide", wide, 25)
    config = untrained.weights().config.copy_and_resolve_references()
    config.internal.steps = 2
    (folder / "run").mkdir()
    untrained.save(folder / "run", config)
    evaluation.run(
        f"--clips={folder / 'clips'}",
        f"--output={folder}",
        f"--weights=net={folder / 'run'}",
        "--rows=trilinear,net,net/consistent,net/ssr_first",
        "--kernels=iso2.4",
        "--kernel_mode=oracle,estimated,bicubic",
        "--estimator=spectrum",
        "--steps=0,auto,3,2",
    )
    return evaluation.written(folder)


@pytest.mark.slow
def test_rows_of_weights_stand_for_every_mode_and_number_of_steps(adapted):
    found = adapted["results"]
    modes, every = ("oracle", "estimated", "bicubic"), (0, "auto", 3, 2)
    steps = {"net": every, "net/consistent": every}
    expected = [
        (row, mode, count)
        for row in ("trilinear", "net", "net/consistent", "net/ssr_first")
        for mode in modes
        for count in steps.get(row, (0,))
    ]
    assert [(r["row"], r["kernel_mode"], r["steps"]) for r in found] == expected
    for result in found:
        types = {**_FIELDS, "steps": type(result["steps"])}
        assert {name: type(value) for name, value in result.items()} == types
    weights = adapted["provenance"]["weights"]
    sha256 = untrained.weights().sha256
    expected = {"sha256": sha256, "step": 3, "training_seconds": None}  # it has no log
    assert weights == {"net": expected}


@pytest.mark.slow
def test_auto_is_the_number_of_steps_that_it_says_and_within_its_bound(adapted):
    found = {(r["row"], r["kernel_mode"], r["steps"]): r for r in adapted["results"]}
    for (row, mode, steps), result in found.items():
        if steps == "auto":
            assert result["steps_taken"] in (0, 2), "see the steps of the fixture"
            same = found[row, mode, result["steps_taken"]]
            assert result == same | {"steps": "auto"}
        else:
            assert result["steps_taken"] == steps


@pytest.mark.slow
def test_modes_differ_by_what_adaptation_is_told_alone(adapted):
    found = {(r["row"], r["steps"], r["kernel_mode"]): r for r in adapted["results"]}
    for row, steps in (("net", 0), ("net/ssr_first", 0), ("trilinear", 0)):
        oracle = found[row, steps, "oracle"]
        for mode in ("estimated", "bicubic"):
            assert found[row, steps, mode] == oracle | {"kernel_mode": mode}
    told = {found["net", 3, mode]["psnr_y"] for mode in ("oracle", "bicubic")}
    assert len(told) == 2
    consistency = [
        found[row, 3, "oracle"]["lr_consistency"] for row in ("net", "net/consistent")
    ]
    assert consistency[1] > consistency[0] + 1


@pytest.mark.slow
def test_adaptation_is_timed_once_for_all_its_steps(adapted):
    timings = [t for t in adapted["timings"] if t["row"] == "net"]
    assert [t["seconds"] is None for t in timings] == [t["steps"] == 0 for t in timings]
    (estimate,) = (t for t in adapted["timings"] if t["row"] == "estimate")
    assert math.isfinite(estimate["seconds"]) and estimate["kernel"] == "iso2.4"


def test_a_refusal_is_one_line_and_status_2(pytestconfig, tmp_path):
    flags = ["--clips=nowhere", f"--output={tmp_path / 'out'}"]
    done = subprocess.run(
        [sys.executable, "-m", "experiments.evaluate", *flags],
        cwd=pytestconfig.rootpath,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: --clips=nowhere: no such folder; expected ")
    assert done.stderr.count("\n") == 1 and not done.stdout
    assert not (tmp_path / "out").exists()
