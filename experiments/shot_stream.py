"""Shots as their frames stream by: the first frames of each are seen beforehand."""

import collections
import itertools
from collections.abc import Callable, Iterable, Iterator

from adavsr_jax import shots
from adavsr_jax.video import kinds


class Shot:
    """One shot of a stream; its frames can be taken once.

    Attributes:
      number: from 1. start: the number of its first frame in the stream.
      head: its first frames, as many as are looked at before it is restored, or all.
      count: frames that have come so far.
      following: once all have, the first frame of the next shot, or None.
    """

    def __init__(self, number: int, start: int, marked: Iterator, look: int):
        self.number, self.start = number, start
        self.count = 0
        self.following: kinds.Frame | None = None
        self._frames = self._until_the_next(marked)
        self.head = list(itertools.islice(self._frames, look))

    def __iter__(self) -> Iterator[kinds.Frame]:
        return itertools.chain(self.head, self._frames)

    def finish(self) -> None:
        """Lets go what was not taken."""
        collections.deque(self._frames, maxlen=0)

    def _until_the_next(self, marked):
        for frame, starts in marked:
            if starts and self.count:
                self.following = frame
                return
            self.count += 1
            yield frame


def shots_of(marked: Iterator, look: Callable[[int], int]) -> Iterator[Shot]:
    """The shots of a stream, one after the other; what is not taken is let go.

    Args:
      marked: as `marked` gives.
      look: of the bytes of a frame, how many frames of a shot are seen beforehand, 1 or
        more; see `method.look`.
    """
    number, start = 1, 0
    first = next(marked, None)
    seen = first and look(first[0].pixels.nbytes)
    while first is not None:
        shot = Shot(number, start, itertools.chain([first], marked), seen)
        yield shot
        shot.finish()
        first = shot.following and (shot.following, True)
        number, start = number + 1, start + shot.count


def marked(frames: Iterable[kinds.Frame]) -> Iterator[tuple[kinds.Frame, bool]]:
    """`(frame, starts)`: of each frame whether a shot starts with it."""
    under_way = collections.deque()

    def pixels():
        for frame in frames:
            under_way.append(frame)
            yield frame.pixels

    for _, starts in shots.mark(pixels()):
        yield under_way.popleft(), starts
