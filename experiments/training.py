"""The loop around outer steps: resumed, logged, saved, stopped at any moment."""

import contextlib
import json
import math
import pathlib
from collections.abc import Callable
from typing import NamedTuple

import filelock
import jax
import ml_collections

from adavsr_jax import checkpoints, meta_step, sharding
from experiments import (
    bad_steps,
    boundaries,
    build,
    cli,
    clusters,
    full_disk,
    logs,
    outputs,
    trained,
    waiting,
)


class Job(NamedTuple):
    """What is to be trained.

    Attributes:
      config: with the sections `network`, what the weights belong to, and `run`.
      phases: stretches of training, see `build.Phase`.
      form: gives a state of the form of all the run's.
      initial: gives the state before the first step.
      validation: gives the function `params -> {name: score}` that checkpoints are
        judged by; called once, when training begins.
      judge: makes of those scores the number that the best checkpoint has most of.
    """

    config: ml_collections.ConfigDict
    phases: list[build.Phase]
    form: Callable[[], meta_step.MetaState]
    initial: Callable[[], meta_step.MetaState]
    validation: Callable[[], Callable]
    judge: Callable[[dict], float]


def run(job: Job, workdir: pathlib.Path, mesh: jax.sharding.Mesh) -> None:
    """Trains in `workdir`, from its newest checkpoint on if it has one.

    Raises:
      InputError: the folder is not to be had, is full, or holds checkpoints of
        another network, or of a phase that the config has elsewhere.
      ConnectionError: another process of this run has gone.
      KeyboardInterrupt: told to stop; the state is saved.
    """
    cli.make_folder("workdir", workdir)
    with full_disk.told(workdir), _claim(workdir):
        try:
            with clusters.together():
                _run(job, workdir, mesh)
        except KeyboardInterrupt:
            clusters.leave()
            raise
    clusters.leave()


def _claim(workdir):
    """Keeps a second run out of the folder: both would write the same steps there."""
    if not clusters.is_first():
        return contextlib.nullcontext()
    lock = filelock.FileLock(workdir / "lock")
    try:
        return lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise cli.InputError(
            f"--workdir={workdir}: another run is training there; wait for it, or "
            "choose another folder"
        ) from error


def _run(job, workdir, mesh):
    config = job.config
    saved, state = _open(job, workdir, mesh)
    first = int(state.step)
    with logs.Log(workdir, first, writes=clusters.is_first()) as log:
        with contextlib.closing(saved):
            if clusters.is_first():
                for change in _keep_config(config, workdir / "config.json"):
                    log.line(f"note: changed since the run was last started: {change}")
            log.line(
                f"{mesh.size} {jax.devices()[0].platform} device(s), from step {first}"
            )
            save = _saver(job, saved, log)
            stop = clusters.StopSignal()
            for phase in job.phases:
                state = _train(config, phase, state, mesh, save, log, stop)
            step = int(state.step)
            if saved.latest() != step:
                save(state)
        log.line(f"final params sha256: {trained.digest(state.params)} step: {step}")


def _open(job, workdir, mesh):
    """The run's checkpoints, and its newest whole state or a fresh one, everywhere."""
    folder, damaged = workdir / "checkpoints", None
    like = sharding.replicated(jax.eval_shape(job.form), mesh)
    while True:
        try:
            saved = checkpoints.Checkpoints(folder)
            if saved.latest() is None:
                break
            step = saved.latest()
            before = saved.record(step).get("phases")
            boundaries.check(before, job.phases, step, workdir)
            return saved, trained.restore(saved, step, job.config, like)
        except checkpoints.Damaged as error:
            damaged = _set_aside(folder, error)
    if damaged:
        raise cli.InputError(
            f"--workdir={workdir}: none of its checkpoints can be read, they lie in "
            f"{damaged.parent} now; copy the run again, or choose another folder"
        )
    return saved, sharding.replicate(job.initial(), mesh)


def _set_aside(folder, error):
    """Nothing is deleted; training goes on from the checkpoint before."""
    clusters.meet(f"read {error.step}")  # nobody may still be reading
    place = None
    if clusters.is_first():
        place = checkpoints.set_aside(folder, error.step)
        print(f"note: {error.what}; it lies in {place} now", flush=True)
    clusters.meet(f"set aside {error.step}")
    return place or folder


def _keep_config(config, path):
    """Writes the config beside the checkpoints; returns what it changes, a line each.

    Longer training, another learning rate: all but the network may change on the way,
    and nobody should find out later.
    """
    text = json.dumps(config.to_dict(), indent=2, default=list)
    before, after = {}, _fields(json.loads(text))
    if path.exists():
        with contextlib.suppress(ValueError):  # a damaged one is replaced
            before = _fields(json.loads(path.read_text()))
    outputs.write(path, text)
    return [
        f"config.{name} {before[name]!r} -> {value!r}"
        for name, value in after.items()
        if name in before and before[name] != value
    ]


def _fields(config):
    return {
        f"{section}.{name}": value
        for section, fields in config.items()
        for name, value in fields.items()
    }


def _train(config, phase, state, mesh, save, log, stop):
    """Runs what is left of one phase; returns the state at its end."""
    start = int(state.step)
    if start >= phase.last:
        return state
    log.line(f"phase {phase.name}: {phase.summary}; steps {start} to {phase.last}")
    if start == phase.first:
        fresh = sharding.on_every_device(phase.optimizer.init, mesh)
        state = state._replace(optimizer=fresh(state.params))
    seed, stream = config.run.seed, phase.first + 3
    draw = lambda: jax.random.fold_in(jax.random.key(seed), stream)
    key = sharding.on_every_device(draw, mesh)()
    with (
        contextlib.closing(phase.batches(start - phase.first)) as batches,
        log.progress(phase.name, start, phase.last) as progress,
    ):
        wait = waiting.Waiting()
        for step in range(start + 1, phase.last + 1):
            clips = wait.next(batches, state.step)["clips"]
            split = sharding.ready(sharding.split(clips, mesh), mesh)
            state, metrics, _ = phase.step(state, split, key)
            state = sharding.ready(state, mesh)
            stopping = stop.reached(step)
            saving = stopping or step % config.run.save_every_steps == 0
            logging = step % config.run.log_every_steps == 0
            if logging or saving or step in (start + 1, phase.last):
                told = {**metrics, "skipped": state.bad[0]}
                log.metrics(step, phase.name, told, waiting_share=wait.share())
                if int(state.bad[1]) >= config.run.max_bad_steps:
                    raise ValueError(bad_steps.told(phase, state, clips, key))
            progress.update()
            if stopping:
                # There may be seconds left: saved as it is, and never the best.
                save(state, judged=False)
                raise KeyboardInterrupt
            if saving:
                save(state)
                wait.restart()
    return state


def _saver(job, saved, log):
    """`(state, judged=True)`: scores the averaged weights and starts saving the state.

    Unjudged it is never the best.
    """
    validate = job.validation()

    def save(state, *, judged=True):
        step = int(state.step)
        # Each process on a device of its own: nothing here is split over them.
        scores = validate(sharding.local(state.average)) if judged else {}
        if scores:
            log.metrics(step, "validation", scores)
            _check_finite(step, scores)
        else:
            best = f"step {found}" if (found := saved.best()) else "none so far"
            log.line(f"step {step} is saved, not judged; the best is {best}")
        record = {
            "network": job.config.network.to_dict(),
            "data_step": step,
            "phases": boundaries.record(job.phases),
        }
        saved.save(step, state, record, job.judge(scores) if scores else -math.inf)

    return save


def _check_finite(step, scores):
    wrong = [name for name, value in scores.items() if not math.isfinite(value)]
    if wrong:
        raise ValueError(
            f"step {step}: {', '.join(wrong)} of validation is not finite: a smaller "
            "learning rate may help"
        )
