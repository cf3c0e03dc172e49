"""Shots of a stream: every frame in one of them, few frames looked at beforehand."""

import fractions

import numpy as np
import pytest

from adavsr_jax.video import kinds
from experiments import shot_stream

_RNG = np.random.default_rng(0)


def _frames(*lengths):
    """Shots of so many frames, near black and near white in turn."""
    drawn = []
    for number, length in enumerate(lengths):
        tone = 200 * (number % 2)
        noise = _RNG.integers(tone, tone + 40, (24, 32, 3), np.uint8)
        drawn += [noise] * length
    times = (fractions.Fraction(number, 10) for number in range(sum(lengths)))
    return [kinds.Frame(*pair) for pair in zip(drawn, times, strict=True)]


@pytest.mark.parametrize("look", [1, 3, 100])
@pytest.mark.parametrize("take", [True, False])
def test_every_frame_is_in_one_shot(look, take):
    frames = _frames(5, 7, 6)
    starts, followers = [], []
    for shot in shot_stream.shots_of(shot_stream.marked(frames), lambda _: look):
        assert shot.number == len(starts) + 1
        assert len(shot.head) == min(look, [5, 7, 6][len(starts)])
        if take:
            times = [10 * frame.time for frame in shot]
            assert times == list(range(shot.start, shot.start + shot.count))
        shot.finish()
        starts.append((shot.start, shot.count))
        followers.append(shot.following and shot.following.time)
    assert starts == [(0, 5), (5, 7), (12, 6)]
    assert followers == [fractions.Fraction(1, 2), fractions.Fraction(6, 5), None]


def test_no_frames_no_shots():
    assert not list(shot_stream.shots_of(shot_stream.marked([]), lambda _: 3))
