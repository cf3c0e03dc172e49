"""However an evaluation was cut and asked again, it ends as one that was not."""

import signal
import subprocess
import sys
import time

import evaluation
import numpy as np
import pytest
import small

from adavsr_jax import video
from experiments import cli, degradations

_KERNELS = ("iso1.6", "bicubic")


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return evaluation.clips(tmp_path_factory.mktemp("clips"))


def _run(clips, output, *more, kernels=_KERNELS):
    evaluation.run(
        f"--clips={clips}",
        f"--output={output}",
        f"--kernels={','.join(kernels)}",
        "--kernel_mode=oracle,estimated",
        "--estimator=spectrum",
        "--protocols=all,zsm",
        *more,
    )
    return _found(output)


def _found(output):
    """What must not depend on interruptions: all but times."""
    written = evaluation.written(output)
    return written["results"], written["estimates"]


@pytest.fixture(scope="module")
def whole(clips, tmp_path_factory):
    """A run that nothing disturbed, and the lines that it left."""
    output = tmp_path_factory.mktemp("whole")
    found = _run(clips, output)
    lines = (output / "rows.jsonl").read_bytes().splitlines(keepends=True)
    assert len(lines) == 1 + 2 * 2 * 2  # settings; clips, kernels, estimate and row
    return found, lines


@pytest.mark.parametrize("kept", range(9))
def test_a_run_cut_anywhere_ends_as_the_whole(clips, whole, tmp_path, kept):
    found, lines = whole
    there = b"".join(lines[:kept]) + lines[kept][: len(lines[kept]) // 2]
    (tmp_path / "rows.jsonl").write_bytes(there)
    assert _run(clips, tmp_path) == found
    again = (tmp_path / "rows.jsonl").read_bytes().splitlines(keepends=True)
    assert again[:kept] == lines[:kept] and len(again) == len(lines)


def test_a_run_that_ended_does_nothing_more(clips, whole, tmp_path):
    found, lines = whole
    (tmp_path / "rows.jsonl").write_bytes(b"".join(lines))
    assert _run(clips, tmp_path) == found
    assert (tmp_path / "rows.jsonl").read_bytes() == b"".join(lines)


@pytest.mark.parametrize("first", [(0,), (1,)])
def test_a_kernel_more_reuses_what_is_done(clips, whole, tmp_path, first):
    _run(clips, tmp_path, kernels=[_KERNELS[number] for number in first])
    before = (tmp_path / "rows.jsonl").read_bytes()
    assert _run(clips, tmp_path) == whole[0]
    after = (tmp_path / "rows.jsonl").read_bytes()
    assert after.startswith(before) and after.count(b"\n") == len(whole[1])


def test_a_clip_more_reuses_what_is_done(clips, whole, tmp_path):
    (tmp_path / "some.txt").write_text("b\n")
    few = _run(clips, tmp_path, f"--lists={tmp_path / 'some.txt'}")
    before = (tmp_path / "rows.jsonl").read_bytes()
    (tmp_path / "some.txt").write_text("a\nb\n")
    all_of_it = _run(clips, tmp_path, f"--lists={tmp_path / 'some.txt'}")
    for every, some, expected in zip(all_of_it, few, whole[0], strict=True):
        assert every == [entry | {"list": "some"} for entry in expected]
        assert some == [entry for entry in every if entry["clip"] == "b"]
    assert (tmp_path / "rows.jsonl").read_bytes().startswith(before)


def test_fewer_kernels_are_told_of_alone_and_none_is_forgotten(clips, whole, tmp_path):
    found, lines = whole
    (tmp_path / "rows.jsonl").write_bytes(b"".join(lines))
    few = _run(clips, tmp_path, kernels=_KERNELS[1:])
    for some, every in zip(few, found, strict=True):
        assert some == [entry for entry in every if entry["kernel"] == _KERNELS[1]]
    assert (tmp_path / "rows.jsonl").read_bytes() == b"".join(lines)


def test_a_kernel_of_the_same_name_is_another_kernel(clips, tmp_path):
    output = tmp_path / "out"
    for width in ("iso1.2", "iso2.8"):
        np.save(tmp_path / "blur.npy", degradations.load_kernel(width))
        found = _run(clips, output, kernels=[str(tmp_path / "blur.npy")])
        expected = _run(clips, tmp_path / width, kernels=[width])
        for one, other in zip(found, expected, strict=True):
            assert one == [entry | {"kernel": "blur.npy"} for entry in other]


@pytest.mark.parametrize(
    ("flag", "name"),
    [
        ("--steps=5", "steps"),
        ("--kernel_mode=oracle", "estimator 'spectrum', now it is None"),
        ("--kernel_mode=oracle,bicubic,estimated", "modes"),
        ("--protocols=all", "protocols"),
        ("--estimator=recurrence", "estimator"),
    ],
)
def test_other_settings_are_refused_and_nothing_is_lost(
    clips, whole, tmp_path, flag, name
):
    content = b"".join(whole[1])
    (tmp_path / "rows.jsonl").write_bytes(content)
    with pytest.raises(cli.InputError, match=f"rows.jsonl: was begun with {name}"):
        _run(clips, tmp_path, flag)
    assert (tmp_path / "rows.jsonl").read_bytes() == content
    assert not (tmp_path / "results.json").exists()


def test_the_parameters_of_niqe_are_a_setting(clips, whole, tmp_path):
    file = tmp_path / "pristine.npz"
    np.savez(file, mu_pris_param=np.zeros(36), cov_pris_param=np.eye(36))
    (tmp_path / "rows.jsonl").write_bytes(b"".join(whole[1]))
    with pytest.raises(cli.InputError, match="was begun with niqe None, now it is '"):
        _run(clips, tmp_path, f"--pristine={file}")


def test_other_clips_of_the_same_names_are_never_given_these_results(
    clips, whole, tmp_path
):
    (tmp_path / "rows.jsonl").write_bytes(b"".join(whole[1]))
    for name in ("a", "b"):
        video.write(tmp_path / "clips" / name, evaluation.truth(clips, name) // 2, 25)
    with pytest.raises(cli.InputError, match="rows.jsonl: was begun with clips "):
        _run(tmp_path / "clips", tmp_path)


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_results(tmp_path, pytestconfig):
    for number, clip in enumerate(small.clips(2, 17, 64)):
        video.write(tmp_path / "clips" / str(number), clip, 25)

    def start(name):
        flags = [f"--clips={tmp_path / 'clips'}", f"--output={tmp_path / name}"]
        flags += [f"--kernels={','.join(degradations.names())}", "--protocols=all,zsm"]
        return subprocess.Popen(
            [sys.executable, "-m", "experiments.evaluate", *flags],
            cwd=pytestconfig.rootpath,
            stdout=subprocess.DEVNULL,
        )

    command, rows = start("cut"), tmp_path / "cut" / "rows.jsonl"
    while command.poll() is None:
        if rows.exists() and rows.read_bytes().count(b"\n") > 3:
            command.kill()
            break
        time.sleep(0.002)
    assert command.wait() == -signal.SIGKILL
    assert not (tmp_path / "cut" / "results.json").exists()
    before = rows.read_bytes()
    both = start("cut"), start("whole")
    assert [command.wait() for command in both] == [0, 0]
    assert _found(tmp_path / "cut") == _found(tmp_path / "whole")
    done = before[: before.rindex(b"\n") + 1]
    assert done.count(b"\n") > 3 and rows.read_bytes().startswith(done)
