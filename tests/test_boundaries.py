"""A run that is resumed with other settings stays in the phase that it was in."""

import functools
import json

import pytest

from experiments import boundaries, build, cli

_phase = functools.partial(
    build.Phase,
    summary="",
    optimizer=None,
    step=None,
    losses=[],
    blur=None,
    batches=None,
)


def _phases(large, meta):
    both = [_phase("large_scale", 0, large), _phase("meta", large, large + meta)]
    return [phase for phase in both if phase.last > phase.first]


def _check(before, now, step):
    # As a checkpoint gives it back.
    before = json.loads(json.dumps(boundaries.record(_phases(*before))))
    boundaries.check(before, _phases(*now), step, "RUN")


@pytest.mark.parametrize(
    "before, now, step",
    [
        ((10, 3), (10, 3), 4),
        ((10, 3), (10, 3), 12),
        ((10, 3), (20, 3), 4),  # the phase it is in ends later
        ((10, 3), (7, 3), 7),  # or right here
        ((10, 0), (10, 3), 10),  # another follows
        ((10, 0), (12, 3), 10),
        ((10, 3), (10, 9), 13),  # the last one ends later
        ((10, 3), (10, 1), 12),  # nothing is left of it
        ((10, 3), (10, 0), 12),
        ((10, 3), (4, 3), 0),  # nothing is done yet
        ((0, 3), (0, 5), 3),
    ],
)
def test_what_may_go_on(before, now, step):
    _check(before, now, step)


@pytest.mark.parametrize(
    "before, now, step, words",
    [
        # Without the second phase, or with what is left of it.
        ((10, 3), (4, 3), 10, "config.large_scale.steps=10 or more"),
        ((10, 3), (8, 3), 9, "config.large_scale.steps=9 or more"),
        ((10, 3), (0, 30), 4, "config.large_scale.steps=4 or more"),
        # Back to the first phase, or to what would have been the second.
        ((10, 3), (12, 3), 11, "config.large_scale.steps=10,"),
        ((10, 3), (9, 30), 11, "config.large_scale.steps=10,"),
        ((0, 3), (2, 3), 1, "config.large_scale.steps=0,"),
    ],
)
def test_a_boundary_that_has_moved_is_refused_with_the_way_out(
    before, now, step, words
):
    with pytest.raises(cli.InputError, match=f"^--workdir=RUN: step {step} .*{words}"):
        _check(before, now, step)


def test_a_checkpoint_of_before_says_nothing():
    boundaries.check(None, _phases(4, 3), 10, "RUN")
