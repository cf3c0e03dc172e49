"""The share of waiting is that of time in which nothing computes."""

from types import SimpleNamespace

import pytest

from experiments import waiting

IDLE = SimpleNamespace(is_ready=lambda: True)
BUSY = SimpleNamespace(is_ready=lambda: False)


class _Clock:
    now = 0.0

    def __call__(self):
        return self.now


def _batches(clock, seconds):
    while True:
        clock.now += seconds
        yield {"clips": clock.now}


@pytest.fixture(name="clock")
def _clock():
    return _Clock()


def test_waits_of_all_steps_count_since_the_last_line(clock):
    wait, slow = waiting.Waiting(clock), _batches(clock, 1.0)
    for share in (0.25, 0.5):
        for _ in range(3):
            assert wait.next(slow, IDLE) == {"clips": clock.now}
            clock.now += 1 / share - 1
        assert wait.share() == pytest.approx(share)


def test_who_waits_beside_a_device_at_work_loses_nothing(clock):
    wait, slow = waiting.Waiting(clock), _batches(clock, 1.0)
    wait.next(slow, BUSY)
    wait.next(slow, IDLE)
    assert wait.share() == pytest.approx(0.5)


def test_what_is_no_step_is_no_time_of_steps(clock):
    wait, slow = waiting.Waiting(clock), _batches(clock, 1.0)
    clock.now += 100
    wait.restart()
    wait.next(slow, IDLE)
    clock.now += 1
    assert wait.share() == pytest.approx(0.5)
    assert wait.share() == 0  # no time has passed
