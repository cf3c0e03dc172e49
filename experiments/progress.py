"""How far a long run has come: a line that is rewritten, or one every ten seconds."""

import sys
import time

_EVERY = (0.5, 10.0)  # seconds: on a terminal, elsewhere
# Frames come many at once: of the first of them no rate is to be told.
_ENOUGH = 8


class Progress:
    """Tells frames done, their rate, and the time left where the end is known."""

    def __init__(self, total: int | None, stream=None):
        self._total, self._stream = total, stream or sys.stdout
        self._terminal = self._stream.isatty()
        self._began = self._told = time.monotonic()
        self._first = None
        self._length = 0

    def __call__(self, done: int) -> None:
        """Takes the number of frames that are done: at first those done before."""
        now = time.monotonic()
        if self._first is None:
            self._first, self._began = done, now
        if done <= self._first or now - self._told < _EVERY[not self._terminal]:
            return
        self._told = now
        line = f"frame {done}"
        if self._total:
            line += f" of {self._total}"
        if done - self._first >= _ENOUGH:
            rate = (done - self._first) / max(now - self._began, 1e-9)
            line += f", {rate:.2f} frames/s"
            if self._total and done < self._total:
                line += f", {clock((self._total - done) / rate)} left"
        self._write(line)

    def line(self, text: str) -> None:
        """A line that stays."""
        if self._terminal and self._length:
            self._stream.write("\r" + " " * self._length + "\r")
            self._length = 0
        self._stream.write(text + "\n")
        self._stream.flush()

    def _write(self, text):
        if not self._terminal:
            self.line(text)
            return
        self._stream.write("\r" + text.ljust(self._length))
        self._stream.flush()
        self._length = len(text)


def clock(seconds: float) -> str:
    """`h:mm:ss`, or `m:ss` below an hour."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    )
