"""Stages that overlap: a thread ahead, a thread behind, few items between them.

What fails in a thread fails where its results are asked for. Threads are daemons: a
command that is stopped does not wait for them.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator

_TURN = 0.2  # seconds until who waits looks whether there is still a reason to
_PATIENCE = 10.0  # seconds: an item of the largest frames takes less


class Ahead:
    """An iterator whose items are made by a thread, at most `size` before their time.

    Attributes:
      waited: seconds that were spent waiting for items.
    """

    def __init__(self, items: Iterable, size: int):
        self.waited = 0.0
        self._queue = queue.Queue(size)
        self._stopped = False
        self._thread = threading.Thread(target=self._make, args=(items,), daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator:
        return self

    def __next__(self):
        began = time.monotonic()
        item, error = self._queue.get()
        self.waited += time.monotonic() - began
        if error is not None:
            self._queue.put((None, error))  # it stays the end, however often asked
            raise error
        return item

    def close(self) -> None:
        """Waits until the thread has ended, at its next item.

        Before, what it reads from should not be closed. A reader that hangs is waited
        for a while only.
        """
        self._stopped = True
        self._thread.join(_PATIENCE)

    def _make(self, items):
        try:
            for item in items:
                if not self._put((item, None)):
                    return
            end = StopIteration()
        except BaseException as error:  # whoever asks next has to hear of it
            end = error
        self._put((None, end))

    def _put(self, entry):
        while not self._stopped:
            try:
                self._queue.put(entry, timeout=_TURN)
                return True
            except queue.Full:
                continue
        return False


class Behind:
    """A thread that takes items one after the other, at most `size` of them waiting.

    Attributes:
      waited: seconds that were spent waiting for room.
    """

    def __init__(self, take: Callable, size: int):
        self.waited = 0.0
        self._queue = queue.Queue(size)
        self._error = None
        self._stopped = False
        self._thread = threading.Thread(target=self._work, args=(take,), daemon=True)
        self._thread.start()

    def put(self, item) -> None:
        """Hands an item over; raises what the thread failed with."""
        began = time.monotonic()
        self._hand_over((item, False))
        self.waited += time.monotonic() - began

    def stop(self) -> None:
        """Drops what waits; returns when the thread has ended, raises nothing."""
        self._stopped = True
        with contextlib.suppress(queue.Full):  # else it waits for nothing
            self._queue.put_nowait((None, True))
        self._thread.join()

    def finish(self) -> None:
        """Waits until everything is taken; raises what the thread failed with."""
        began = time.monotonic()
        self._hand_over((None, True))
        self._thread.join()
        self.waited += time.monotonic() - began
        if self._error is not None:
            raise self._error

    def _hand_over(self, entry):
        while self._error is None:
            try:
                self._queue.put(entry, timeout=_TURN)
                return
            except queue.Full:
                continue
        raise self._error

    def _work(self, take):
        try:
            while True:
                item, last = self._queue.get()
                if last or self._stopped:
                    return
                take(item)
        except BaseException as error:  # whoever hands over next has to hear of it
            self._error = error


def interruptible(work: Callable):
    """`work()` in a thread, while this one stays free to hear a signal at once.

    A thread that computes hears none: Python tells of a signal between two lines, and
    one line may be a minute of compiling.
    """
    found = {}

    def run():
        try:
            found["value"] = work()
        except BaseException as error:
            found["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_TURN)
    if "error" in found:
        raise found["error"]
    return found["value"]
