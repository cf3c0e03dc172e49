"""Bad and odd inputs by the dozen: a right output, or one line; nothing in between."""

import io

import numpy as np
import odd_inputs
import pytest
import untrained

from adavsr_jax import kernels, video
from experiments import estimators, streaming

_KNOWN = estimators.known(np.asarray(kernels.bicubic()), "known")
# What has to be refused, and a word of the line that says why.
_REFUSED = {
    "empty": "is empty",
    "text": "not a readable video",
    "zeros": "not a readable video",
    "only sound": "no pictures",
    "no frames": "not a readable video",
    "size changes": "re-encode it at one size",
    "broken still": "2.png",
    "empty still": "1.png",
    "text still": "1.png",
    "flipped still": "1.png",
    "still of another size": "3.png",
    "huge size": "0.png",
    "empty folder": "none",
}
_WHOLE = {
    "one frame": 1,
    "two frames": 3,
    "1x1": 5,
    "15x17": 5,
    "3x400": 5,
    "times repeat": 23,
    "grey still among others": 7,
    "stray file": 7,
    "one still": 1,
    "grey stills": 7,
    "palette stills": 7,
    "CMYK stills": 7,
    "webp stills": 7,
}


@pytest.mark.parametrize("name", odd_inputs.CASES)
def test_every_input_gives_an_output_or_a_line(tmp_path, name):
    (tmp_path / "made").mkdir()
    source = odd_inputs.CASES[name](tmp_path / "made")
    output = tmp_path / ("out.mkv" if source.is_file() else "out")
    request = streaming.Request(source, output, steps=0)
    told = io.StringIO()
    try:
        count = streaming.restore(request, untrained.weights(), _KNOWN, told)
    except (ValueError, OSError) as error:
        assert name not in _WHOLE, error
        assert _REFUSED.get(name, "") in str(error)
        assert str(source) in str(error)
        assert [path.name for path in tmp_path.iterdir()] == ["made"]
        return
    assert name not in _REFUSED
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", output.name]
    frames = np.stack(list(video.frames(output)))
    assert len(frames) == count == _WHOLE.get(name, count)
    given = len(list(video.frames_near(source, 0.0, 1000)))
    assert count == 2 * given - 1
    if count < 2 * odd_inputs.FRAMES and name not in _WHOLE:
        assert "note: " in told.getvalue()  # what is lost is told


def test_the_dozens():
    assert len(odd_inputs.CASES) >= 60


def test_damage_within_the_part_that_is_asked_for_is_told(tmp_path):
    source = odd_inputs.CASES["hole"](tmp_path)
    request = streaming.Request(source, tmp_path / "out", steps=0, span=(0, 60))
    told = io.StringIO()
    assert streaming.restore(request, untrained.weights(), _KNOWN, told) == 119
    (note,) = [line for line in told.getvalue().splitlines() if "damaged" in line]
    assert note.startswith("note: ") and "cut short" not in note


def test_interlaced_frames_are_told_before_the_work(tmp_path):
    flags = {"flags": "+ildct+ilme"}
    for name, options in (("a.ts", flags), ("b.ts", {})):
        source = odd_inputs.encode(
            tmp_path / name, odd_inputs.clip(3), "mpeg2video", **options
        )
        request = streaming.Request(source, tmp_path / "out.mkv", steps=0)
        with video.open_source(source) as opened:
            run = streaming.Run(request, opened, untrained.weights(), _KNOWN)
            told = any("bwdif" in note for note in run.notes)
        assert told == (name == "a.ts")
