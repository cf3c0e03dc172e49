"""Means over clips, and a line for each."""

import pytest

from experiments import tables

MEANS = ("psnr_y", "psnr_y_given", "psnr_y_interpolated", "ssim_y", "ssim_y_given")
MEANS += ("ssim_y_interpolated", "lr_consistency", "niqe", "steps_taken")


def _result(clip="a", value=30.0, **changes):
    same = {"row": "ours", "kernel": "iso1.6", "kernel_mode": "oracle", "list": ""}
    same |= {"protocol": "all", "steps": 5, "frames": 7, "identical": 0, "clip": clip}
    return same | dict.fromkeys(MEANS, value) | changes


def test_means_are_over_the_clips_that_have_a_number():
    results = [_result("a", 1.0), _result("b", 2.0), _result("c", 6.0)]
    results[1]["psnr_y"] = results[2]["lr_consistency"] = None
    for result in results:
        result["niqe"] = None
    (found,) = tables.means(results)
    assert found["psnr_y"] == 3.5 and found["lr_consistency"] == 1.5
    assert found["niqe"] is None
    for name in set(MEANS) - {"psnr_y", "lr_consistency", "niqe"}:
        assert found[name] == 3.0
    assert (found["clips"], found["frames"], found["identical"]) == (3, 21, 0)


def test_frames_without_error_add_up():
    results = [_result("a", identical=2, frames=7), _result("b", identical=1, frames=9)]
    (found,) = tables.means(results)
    assert (found["identical"], found["frames"]) == (3, 16)


@pytest.mark.parametrize("name", tables.KEY)
def test_what_is_not_averaged_is_told_apart(name):
    results = [_result("a", 1.0), _result("a", 3.0, **{name: "other"})]
    before = results[0][name]
    found = tables.means([*results, *results])
    assert [(entry[name], entry["psnr_y"]) for entry in found] == [
        (before, 1.0),
        ("other", 3.0),
    ]
    assert [entry["clips"] for entry in found] == [1, 1]
    (both,) = tables.means(results, [key for key in tables.KEY if key != name])
    assert both["psnr_y"] == 2.0 and name not in both


def test_each_clip_has_its_own_psnr_in_its_group():
    results = [_result("a", 1.23456), _result("b", None), _result("a", 2.0, steps=0)]
    first, second = tables.by_clip(results)
    assert first["psnr_y"] == {"a": 1.235, "b": None} and first["steps"] == 5
    assert second["psnr_y"] == {"a": 2.0} and second["steps"] == 0
    assert set(first) == {*tables.KEY, "psnr_y"}


def test_a_group_is_one_line_and_columns_line_up():
    results = [
        _result("a", list="slow"),
        _result("b", list="slow"),
        _result("a", 9.5, list="fast"),
        _result("a", 0.25, row="trilinear", steps=0, niqe=None),
        _result("a", None, row="theirs", steps=0, steps_taken=0),
        _result("a", steps="auto", steps_taken=3),
        _result("b", steps="auto", steps_taken=10),
    ]
    head, *lines = tables.text(results).splitlines()
    assert len(lines) == len(tables.means(results)) == 5
    for line, words in zip(
        lines,
        ["slow 2 clips", "fast 1 clip ", " 0 1 clip ", " 0 1 clip ", "auto 6.5"],
        strict=True,
    ):
        assert words in line
    assert {len(line) for line in lines} == {len(head)}
    for title in ("PSNR-Y", "given", "interp.", "SSIM-Y", "LR", "NIQE", "frames"):
        end = head.index(title) + len(title)
        assert all(line[end - 1] != " " and line[end:][:1] != "." for line in lines)


def test_what_has_no_number_is_a_dash():
    line = tables.line(_result(value=None, steps_taken=5), "a")
    assert line.split()[-7:] == ["-"] * 6 + ["7"]


def test_frames_without_error_are_told_of_where_there_are_any():
    plain, told = (tables.line(_result(identical=n), "a") for n in (0, 3))
    assert told == plain + " (3 without any error, not in the means)"
