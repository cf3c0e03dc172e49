"""Lines on progress, and times as people write them."""

import io

import pytest

from experiments import progress


@pytest.mark.parametrize(
    "seconds, words",
    [(0, "0:00"), (59.6, "1:00"), (75, "1:15"), (3600, "1:00:00"), (3725, "1:02:05")],
)
def test_clock(seconds, words):
    assert progress.clock(seconds) == words


def test_lines_tell_rate_and_what_is_left(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    told = progress.Progress(200, stream)
    for done in range(40, 101):  # a resumed run begins at 40
        told(done)
        now[0] += 0.5
    lines = stream.getvalue().splitlines()
    assert lines[0] == "frame 60 of 200, 2.00 frames/s, 1:10 left"
    assert lines[-1] == "frame 100 of 200, 2.00 frames/s, 0:50 left"
    assert len(lines) == 3


def test_a_terminal_line_makes_room_for_lines_that_stay():
    stream = io.StringIO()
    stream.isatty = lambda: True
    told = progress.Progress(None, stream)
    told(3)
    told._told -= 1
    told(5)
    told.line("shot 1")
    assert stream.getvalue().endswith("\rshot 1\n")
    assert stream.getvalue().startswith("\rframe 5\r")  # no rate of two frames
