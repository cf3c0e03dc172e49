"""Stages overlap, are bounded, and what fails in one is heard by the next."""

import threading
import time

import pytest

from experiments import stages


def _items(made):
    """50 numbers, each noted in `made` when it is asked for."""
    for number in range(50):
        made.append(number)
        yield number


def test_items_come_in_order_and_not_too_early():
    made = []
    for number in (ahead := stages.Ahead(_items(made), 3)):
        time.sleep(0.002)
        assert len(made) <= number + 1 + 3 + 2  # waiting, in hand, being made
    assert number == 49 and next(ahead, None) is None


def test_items_are_made_while_nobody_asks():
    made = []
    ahead = stages.Ahead(_items(made), 3)
    next(ahead)
    deadline = time.monotonic() + 10
    while len(made) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert made[:4] == [0, 1, 2, 3]  # one taken, three that wait
    ahead.close()


def test_what_fails_ahead_fails_in_its_place():
    def items():
        yield 1
        raise ValueError("broken")

    ahead = stages.Ahead(items(), 5)
    assert next(ahead) == 1
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            next(ahead)


def test_a_closed_stage_ends():
    before = threading.active_count()
    ahead = stages.Ahead(iter(int, 1), 1)
    next(ahead)
    ahead.close()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= before  # others may have ended too


def test_what_is_read_ahead_may_be_closed_after(monkeypatch):
    def items():
        while True:
            time.sleep(0.05)
            yield 1

    reading = items()
    ahead = stages.Ahead(reading, 50)
    next(ahead)
    ahead.close()
    reading.close()  # would fail in the midst of an item
    # Who hangs is not waited for.
    monkeypatch.setattr(stages, "_PATIENCE", 0.01)
    hangs = threading.Event()
    stages.Ahead(iter(hangs.wait, 1), 1).close()
    hangs.set()


def test_who_is_stopped_takes_nothing_more():
    taken = []

    def take(item):
        time.sleep(0.05)
        taken.append(item)

    for size in (1, 9):  # what waits fills the queue, or does not
        behind = stages.Behind(take, size)
        for number in range(size):
            behind.put(number)
        behind.stop()
        before = len(taken)
        time.sleep(0.15)
        assert len(taken) == before <= 2 * (size == 9) + 2
    behind = stages.Behind(lambda item: 1 / 0, 1)
    behind.put(1)
    behind.stop()  # who stops it has an error of its own to tell


def test_everything_is_taken_in_order():
    taken = []
    behind = stages.Behind(taken.append, 2)
    for number in range(20):
        behind.put(number)
    behind.finish()
    assert taken == list(range(20))


def test_items_are_handed_over_while_one_is_still_being_taken():
    taken, free = [], threading.Event()

    def take(item):
        free.wait(10)
        taken.append(item)

    behind = stages.Behind(take, 2)
    behind.put(0)
    behind.put(1)
    assert taken == []
    free.set()
    behind.finish()
    assert taken == [0, 1]


def test_what_fails_behind_is_heard_by_who_hands_over():
    def take(item):
        raise OSError("full")

    behind = stages.Behind(take, 1)
    with pytest.raises(OSError, match="full"):
        for number in range(100):
            behind.put(number)
    with pytest.raises(OSError, match="full"):
        behind.finish()


def test_a_result_or_an_error_comes_back():
    assert stages.interruptible(lambda: 7) == 7
    with pytest.raises(KeyError, match="x"):
        stages.interruptible(lambda: {}["x"])
