"""When frames are shown: exact, strictly rising; and how long a file says it lasts."""

import fractions
import re

import av


class Clock:
    """Gives frames of one stream their times, and mends those that do not rise.

    Attributes:
      mended: times that were missing, repeated, or fell; each became the one before and
        a nominal step.
      gaps: places where the next frame is two nominal steps away, or more.
      lost: frames that would fill these.
    """

    def __init__(self, stream: av.VideoStream, rate: fractions.Fraction):
        self.mended = self.gaps = self.lost = 0
        self._base = stream.time_base
        self._step = max(1, round(1 / (rate * self._base)))
        self._start = stream.start_time or 0
        self._first = self._last = self._delay = None
        # AVI knows times of decoding only. Frames leave the decoder in step with them,
        # late by as many packets as it must hold to bring them into order.
        self._is_avi = _is_avi(stream)

    def time(self, frame: av.VideoFrame) -> fractions.Fraction:
        """The time at which the next frame is shown, in seconds."""
        known = self._of_avi(frame) if self._is_avi else frame.pts
        if self._last is None:
            self.mended += known is None
            self._first = self._last = self._start if known is None else known
            return self._last * self._base
        if known is None or known <= self._last:
            # The last few of an AVI come when there are no more packets to tell.
            self.mended += not (self._is_avi and known is None)
            known = self._last + self._step
        steps = round((known - self._last) / self._step)
        self.gaps += steps > 1
        self.lost += max(0, steps - 1)
        self._last = known
        return known * self._base

    def _of_avi(self, frame):
        if frame.dts is None:
            return None
        if self._delay is None:
            self._delay = frame.dts - self._start
        return frame.dts - self._delay

    def end(self) -> fractions.Fraction:
        """Seconds, from zero or the first frame, whichever is earlier, to the end."""
        return (self._last + self._step - min(0, self._first)) * self._base


def duration(stream: av.VideoStream) -> fractions.Fraction | None:
    """Seconds of a stream, or of its file if it does not say, or None."""
    if stream.duration is not None:
        return stream.duration * stream.time_base
    whole = stream.container.duration
    return None if whole is None else fractions.Fraction(whole, av.time_base)


def promised(stream: av.VideoStream) -> fractions.Fraction | None:
    """Seconds that the pictures last by the file's word, or None if it gives none.

    Not the length of a file that holds sound too, which may go on alone.
    """
    if _is_avi(stream) and stream.frames and stream.average_rate:
        return stream.frames / stream.average_rate  # it measures a duration anew
    if stream.duration is not None:
        return duration(stream)
    tag = re.fullmatch(r"(\d+):(\d+):([\d.]+)", stream.metadata.get("DURATION", ""))
    if tag:
        hours, minutes, seconds = map(fractions.Fraction, tag.groups())
        return 3600 * hours + 60 * minutes + seconds
    return duration(stream) if len(stream.container.streams) == 1 else None


def _is_avi(stream):
    return stream.container.format.name == "avi"
