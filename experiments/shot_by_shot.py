"""A stream of frames, shot by shot: looked at, learned from, restored, written.

Frames are decoded ahead and results encoded behind, so that the network hardly waits.
What a shot teaches is forgotten at its end, and no frame is made across a cut: the one
before it is repeated.
"""

import collections
import dataclasses
import fractions
import functools
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from adavsr_jax import resizing
from adavsr_jax.video import kinds
from experiments import method, shot_stream, stages, targets, work_folder

_PIECE = 32  # input frames that a piece has at least, if its shot has
_AHEAD, _BEHIND = 16, 8  # frames that wait: decoded, and restored


@dataclasses.dataclass
class Job:
    """One video to restore.

    Attributes:
      frames: of it, `kinds.Frame`s of one size.
      step: seconds from a frame to the next, where no two frames tell.
      method: how, see `method`.
      target: where to, see `targets`. work: the folder of its pieces.
      taught: what all shots are restored with; None: each learns from itself.
      keep_duration: whether the last frame is repeated too, as if one followed.
      size: `(height, width)` of the result, or None: four times the input's.
      tell: takes a line a shot. progress: takes the number of input frames done.
      see: takes a shot's number, one of its frames before and after, its kernel.
    """

    frames: Iterable[kinds.Frame]
    step: fractions.Fraction
    method: method.Method
    target: targets.VideoTarget | targets.FolderTarget
    work: work_folder.Work
    taught: method.Taught | None = None
    keep_duration: bool = False
    size: tuple[int, int] | None = None
    tell: Callable[[str], None] = print
    progress: Callable[[int], None] = lambda done: None
    see: Callable[..., None] = lambda *seen: None


class Done(NamedTuple):
    """What came of a job.

    Attributes:
      frames: in. times: of the frames out, seconds. held: the last of them stands so.
      seconds: that it took. waited: of them, for frames and for the encoder.
    """

    frames: int
    times: list[fractions.Fraction]
    held: fractions.Fraction
    seconds: float
    waited: tuple[float, float]


def restore(job: Job) -> Done:
    """Restores a stream into finished pieces of `job.work`, after those that are there.

    Raises:
      ValueError, OSError: bad input, or an output that cannot be written.
    """
    began = time.monotonic()
    recorder = _Recorder(job)
    job.progress(job.work.pieces[-1].end if job.work.pieces else 0)
    decoded = stages.Ahead(shot_stream.marked(job.frames), _AHEAD)
    behind = stages.Behind(lambda act: act(), _BEHIND)
    count = 0
    try:
        for shot in shot_stream.shots_of(decoded, job.method.look):
            first = recorder.done_of(shot)
            if first is not None:
                _restore_shot(job, shot, first, recorder, behind)
            shot.finish()
            count = shot.start + shot.count
            job.progress(count)
        behind.finish()
    except BaseException:
        behind.stop()  # an encoder that is closed under its frames takes all down
        recorder.discard()
        raise
    finally:
        decoded.close()
    if not count:
        raise ValueError("there are no frames to restore")
    seconds = time.monotonic() - began
    waited = (decoded.waited, behind.waited)
    return Done(count, *recorder.times(), seconds, waited)


def _restore_shot(job, shot, first, recorder, behind):
    """One shot from its input frame `first` on."""
    taught = job.taught
    if taught is None:
        taught = job.method.learn(np.stack([frame.pixels for frame in shot.head]))
    begins = float(shot.head[0].time)
    told = f"shot {shot.number}, from frame {shot.start} at {begins:.2f} s: "
    job.tell(told + taught.words)
    stream = _Stream(shot)
    plan = job.method.plan
    # What one pass makes is not taken up again in the middle.
    length = -(-max(_PIECE, plan.longest) // plan.window) * plan.window
    shown = len(shot.head) // 2
    for number, frame in enumerate(
        job.method.restore(taught, stream.pixels(), first), start=2 * first
    ):
        index, midway = divmod(number, 2)
        if not midway and (index - first) % length == 0:
            if index > first:
                closing = (
                    shot.number,
                    shot.start + index,
                    False,
                    stream.half(index - 1),
                )
                behind.put(functools.partial(recorder.close, *closing))
            behind.put(recorder.open)
        if number == 2 * shown:
            job.see(shot.number, shot.head[shown].pixels, frame, taught.kernel)
        behind.put(functools.partial(recorder.write, frame, *stream.at(number)))
        if midway:
            job.progress(shot.start + index + 1)
    half = stream.half(shot.count - 1, shot.following, job.step)
    if shot.following is not None or job.keep_duration:
        moment, alpha = stream.at(2 * shot.count - 2)
        behind.put(functools.partial(recorder.write, frame, moment + half, alpha))
    else:
        half *= 2  # it stands until the next would have come
    end = shot.start + shot.count
    behind.put(functools.partial(recorder.close, shot.number, end, True, half))


class _Stream:
    """A shot's frames as they are taken, with what the frames between them need."""

    def __init__(self, shot):
        self._shot, self._times, self._alphas = shot, [], collections.deque(maxlen=256)

    def pixels(self):
        for frame in self._shot:
            self._times.append(frame.time)
            self._alphas.append(frame.alpha)
            yield frame.pixels

    def at(self, number):
        """`(time, alpha)` of output frame `number`, alpha of the input's size."""
        index, midway = divmod(number, 2)
        if not midway:
            return self._times[index], self._alpha(index)
        alpha = self._alpha(index)
        if alpha is not None:
            both = alpha.astype(np.uint32) + self._alpha(index + 1)
            alpha = ((both + 1) // 2).astype(alpha.dtype)
        return self._times[index] + self.half(index), alpha

    def half(self, index, following=None, step=None):
        """Half of the time from input frame `index` to the next, which may not be."""
        times = self._times
        if index + 1 < len(times):
            return (times[index + 1] - times[index]) / 2
        if following is not None:
            return (following.time - times[index]) / 2
        return (times[index] - times[index - 1] if index else step) / 2

    def _alpha(self, index):
        return self._alphas[index - len(self._times)]  # the last of both is one frame's


class _Recorder:
    """Writes pieces, one after the other, in a thread of its own."""

    def __init__(self, job):
        self._job, self._piece, self._times = job, None, []
        self._before = job.work.pieces[-1] if job.work.pieces else None

    def done_of(self, shot):
        """Input frames of a shot that are restored already; None if all are."""
        before = self._before
        if before is None or shot.number > before.shot:
            return 0
        if shot.number < before.shot or before.closes:
            return None
        return before.end - shot.start

    def open(self):
        work = self._job.work
        made = sum(len(piece.times) for piece in work.pieces)
        self._times = []
        self._piece = self._job.target.piece(work.folder, len(work.pieces), made)

    def write(self, pixels, moment, alpha):
        self._times.append(str(moment))
        height, width = self._job.size or pixels.shape[:2]
        pixels = resizing.resize(pixels, height, width)
        if alpha is not None:
            alpha = resizing.resize(alpha, height, width)
        self._piece.write(pixels, alpha)

    def close(self, shot, end, closes, held):
        self._piece.close()
        self._piece = None
        self._job.work.add(work_folder.Piece(shot, end, closes, self._times, str(held)))

    def discard(self):
        if self._piece is not None:
            self._piece.discard()

    def times(self):
        """`(times, held)` of all pieces."""
        pieces = self._job.work.pieces
        every = [fractions.Fraction(text) for piece in pieces for text in piece.times]
        return every, fractions.Fraction(pieces[-1].held)
