"""What a folder of pictures cannot hold of a video is told."""

import dataclasses
import fractions
import types

import films
import odd_inputs
import pytest

from adavsr_jax.video import kinds
from experiments import targets

F = fractions.Fraction


@pytest.fixture(name="info")
def _info():
    plain = kinds.Colour(1, 1, 1, False)
    return films.info(bits=8, colour=plain)  # 20 x 12


def _target(source, info, height=48, width=80):
    return targets.FolderTarget(source, info, height, width)


def test_of_a_plain_video_nothing_is_told(tmp_path, info):
    path = odd_inputs.encode(tmp_path / "in.mp4", odd_inputs.clip(2))
    assert _target(path, info).notes == []
    assert _target(odd_inputs.stills(tmp_path), info).notes == []


def test_sound_subtitles_and_chapters_are_told(tmp_path, info):
    path = films.source(tmp_path / "in.mkv", subtitles="subrip")
    (note,) = _target(path, info).notes
    assert str(path) in note and "sound, subtitles, chapters: not carried over" in note


def test_shape_and_colours_are_told(tmp_path, info):
    path = odd_inputs.encode(tmp_path / "in.mp4", odd_inputs.clip(2))
    wide = dataclasses.replace(info, aspect=F(32, 27))
    assert "32/27 as wide as high" in _target(path, wide).notes[0]
    assert "4/3 as wide as high" in _target(path, info, 48, 60).notes[0]
    for colour in ((9, 9, 16), (9, 9, 18), (9, 9, 14), (1, 12, 13)):
        coloured = dataclasses.replace(info, colour=kinds.Colour(*colour, False))
        assert f"primaries {colour[1]} and" in _target(path, coloured).notes[0]


@pytest.mark.parametrize(
    "times, told",
    [
        ([F(3)], False),
        ([F(n, 50) for n in range(99)], False),
        ([F(n * 1001 // 60, 1000) for n in range(99)], False),  # as Matroska rounds
        ([F(n, 50) for n in (*range(50), *range(53, 99))], True),
        ([F(n * n, 5000) for n in range(99)], True),
    ],
)
def test_uneven_times_are_told(tmp_path, info, times, told):
    (tmp_path / "pictures").mkdir()
    target = _target(odd_inputs.stills(tmp_path), info)
    target.finish(tmp_path, 1, types.SimpleNamespace(times=times), False)
    assert bool(target.notes) == told
