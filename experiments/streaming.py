"""What a person asks for, put together: source, method, target, and the run of them."""

import dataclasses
import itertools
import pathlib
import time

import jax
import numpy as np

from adavsr_jax import passes, shots, video
from experiments import (
    cli,
    estimators,
    memory,
    method,
    preview,
    progress,
    shot_by_shot,
    stamps,
    targets,
    trained,
    work_folder,
)

ADAPT = ("shot", "video", "none")
_PASSES = {"memory": None, "plan": None}  # settings that one may go on without
_MIDDLE = 64  # frames near the middle that --adapt=video chooses a shot of


@dataclasses.dataclass(frozen=True)
class Request:
    """What a person asks for; the flags of `super_resolve` say what each means.

    Attributes:
      source, output: paths. adapt: one of `ADAPT`. steps: or None.
      size: `(height, width)` or None. span: `(first, end)`, end may be None.
      memory: bytes, or None. preview: a path, or None.
    """

    source: pathlib.Path
    output: pathlib.Path
    adapt: str = "shot"
    steps: int | None = None
    back_projections: int = 0
    codec: str | None = None
    crf: float | None = None
    size: tuple[int, int] | None = None
    span: tuple[int, int | None] = (0, None)
    keep_duration: bool = False
    memory: int | None = None
    preview: pathlib.Path | None = None
    overwrite: bool = False


def restore(request: Request, weights, blur, stream=None) -> int:
    """A video from file to file; see `Run`."""
    output = work_folder.place(request.output)
    request = dataclasses.replace(request, output=output)
    work_folder.check(
        request.source, output, request.preview, overwrite=request.overwrite
    )
    with video.open_source(request.source) as source:
        return Run(request, source, weights, blur).restore(stream)


class Run:
    """One video to restore, as asked for: everything but the work itself.

    Attributes:
      notes: lines for a person, before the work.
    """

    def __init__(
        self,
        request: Request,
        source: video.Source,
        weights: trained.Trained,
        blur: estimators.Estimator,
    ):
        """Looks at what can be looked at before the work.

        Raises:
          ValueError, OSError: bad input, or an output that cannot be made.
        """
        self._request, self._source, info = request, source, source.info
        self._total = _total(info.count, request.span)
        self._weights, self._blur = weights, blur
        self._target = _target(request, info)
        self.notes = [*source.notes, *self._target.notes]
        code = 1 if info.bits == 8 else 2
        steps = request.steps
        if request.adapt == "none":
            steps = 0
        elif steps is None:
            steps = weights.config.internal.steps
        self._settings = {
            "input": f"{request.source.resolve()} {stamps.of(request.source)}",
            "frames": list(request.span),
            "weights": weights.sha256,
            "kernel": blur.identity,
            "adapt": request.adapt,
            "adapt_steps": steps,
            "back_projections": request.back_projections,
            "size": request.size and list(request.size),
            "keep_duration": request.keep_duration,
            "memory": request.memory,
            **self._target.identity(),
        }
        plan, self._needed = self._plan(code)
        begun = work_folder.begun(request.output)
        self._settings["plan"] = list(plan)
        if begun and begun | _PASSES == self._settings | _PASSES:
            # What is free may have changed since; passes stay what they were, unless
            # a person says: others fit behind them as well.
            if begun.get("memory") == request.memory:
                plan = passes.Plan(*begun["plan"])
            self._settings = begun
        self._method = method.Method(
            weights, blur.estimate, steps, request.back_projections, plan
        )

    def _plan(self, code):
        info, request = self._source.info, self._request
        try:
            return self._weights.plan(
                info.height,
                info.width,
                request.memory or memory.budget(),
                back_projections=request.back_projections,
                code=code,
            )
        except ValueError as error:
            raise cli.InputError(
                f"{request.source}: {error}: give more with --memory=GIB"
            ) from error

    def explain(self):
        """Yields lines on what would be done: sizes, passes, time and memory."""
        info, plan = self._source.info, self._method.plan
        frames = f"about {self._total} frames" if self._total else "frames"
        yield (
            f"in: {self._request.source}: {frames} of {info.width} x {info.height}, "
            f"{float(info.rate):.3f} a second, {info.bits} bits, {info.chroma}"
        )
        yield f"out: {self._request.output}: {self._target.words()}"
        whole = (plan.height, plan.width) == (info.height, info.width)
        tile = "whole frames" if whole else f"tiles of {plan.width} x {plan.height}"
        yield (
            f"passes: {plan.window} frames, {tile}, {self._needed / 2**30:.2f} GiB on "
            f"{jax.device_count()} x {jax.devices()[0].device_kind}"
        )
        seconds = self._seconds_per_frame()
        if self._total:
            left = progress.clock(seconds * self._total)
            yield f"time: about {left}, and what each shot takes to be learned from"
        yield f"rate: {1 / seconds:.2f} frames in a second"

    def _seconds_per_frame(self):
        """Of restoration, per input frame: measured on a short pass."""
        info, plan = self._source.info, self._method.plan
        count = plan.window_for(1)
        kind = np.uint8 if info.bits == 8 else np.uint16
        noise = np.random.default_rng(0).integers(
            0, 255, (count, info.height, info.width, 3), kind
        )
        taught = method.Taught(
            self._weights.params, self._blur.estimate(noise).kernel, ""
        )
        for _ in range(2):  # the first compiles
            began = time.monotonic()
            for _ in self._method.restore(taught, noise):
                pass
        return (time.monotonic() - began) / count

    def restore(self, stream=None) -> int:
        """Restores the video and puts the result in its place; the number of frames.

        How it goes is written to `stream`, by default the standard output.
        """
        request, told = self._request, progress.Progress(self._total, stream)
        for note in self.notes:
            told.line(f"note: {note}")
        work = work_folder.Work(request.output, self._settings, anew=request.overwrite)
        try:
            done = self._restored(work, told)
            made = self._target.finish(work.folder, len(work.pieces), done, self._cut())
        except ValueError:
            work.remove()  # what is wrong with the input will be so again
            raise
        except BaseException:
            work.leave()
            raise
        work.publish(made, overwrite=request.overwrite)
        self._source.conclude()
        for note in [*self._source.notes, *self._target.notes]:
            if note not in self.notes:
                told.line(f"note: {note}")
        told.line(_summary(request.output, done))
        return len(done.times)

    def _cut(self):
        return self._request.span != (0, None)

    def _restored(self, work, told):
        request, info = self._request, self._source.info
        if work.pieces:
            told.line(f"goes on after input frame {work.pieces[-1].end}")
        sheet = preview.Preview(request.preview) if request.preview else None
        step = max(1, round(1 / (info.rate * info.time_base))) * info.time_base
        job = shot_by_shot.Job(
            frames=self._frames(),
            step=step,
            method=self._method,
            target=self._target,
            work=work,
            taught=self._of_the_middle(told) if request.adapt == "video" else None,
            keep_duration=request.keep_duration,
            size=request.size,
            tell=told.line,
            progress=told,
            see=sheet.see if sheet else lambda *seen: None,
        )
        done = shot_by_shot.restore(job)
        if sheet:
            sheet.save()
        return done

    def _frames(self):
        first, end = self._request.span
        taken = 0
        for frame in itertools.islice(self._source, first, end):
            taken += 1
            yield frame
        if not taken:
            raise cli.InputError(
                f"--frames={first}:{'' if end is None else end}: "
                f"{self._request.source} has no frames there, it ends before"
            )

    def _of_the_middle(self, told):
        """What the longest shot near the middle of the video teaches."""
        whole = self._source.info.count
        first, end = self._request.span
        share = (first + min(end or whole, whole)) / 2 / whole if whole else 0.5
        frames = np.stack(video.frames_near(self._request.source, share, _MIDDLE))
        first, end = max(shots.spans(frames), key=lambda span: span[1] - span[0])
        taught = self._method.learn(frames[first:end])
        told.line(f"learned from {end - first} frames near the middle: {taught.words}")
        return taught


def _target(request, info):
    height, width = request.size or (4 * info.height, 4 * info.width)
    if not request.output.suffix:
        for flag in ("codec", "crf"):
            if getattr(request, flag) is not None:
                raise cli.InputError(
                    f"--{flag}={getattr(request, flag)}: is of videos, and --output="
                    f"{request.output} is a folder of PNG files"
                )
        return targets.FolderTarget(request.source, info, height, width)
    return targets.VideoTarget(
        request.output,
        request.source,
        info,
        height,
        width,
        codec=request.codec,
        crf=request.crf,
    )


def _total(count, span):
    """Input frames to restore, where that is known."""
    first, end = span
    if count is None:
        return end and end - first
    return max(0, min(count, count if end is None else end) - first) or None


def _summary(output, done):
    busy = 1 - sum(done.waited) / max(done.seconds, 1e-9)
    return (
        f"{output}: {len(done.times)} frames from {done.frames} in "
        f"{progress.clock(done.seconds)}; {busy:.0%} of it in the networks"
    )
