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
import numpy as np

from adavsr_jax import checkpoints, meta_step, sharding
from experiments import build, cli, logs, outputs, trained, waiting


class Job(NamedTuple):
    """What is to be trained.

    Attributes:
      config: with the sections `network`, what the weights belong to, and `run`.
      phases: stretches of training, see `build.Phase`.
      initial: gives the state before the first step.
      validation: gives the function `params -> {name: score}` that checkpoints are
        judged by; called once, when training begins.
      judge: makes of those scores the number that the best checkpoint has most of.
    """

    config: ml_collections.ConfigDict
    phases: list[build.Phase]
    initial: Callable[[], meta_step.MetaState]
    validation: Callable[[], Callable]
    judge: Callable[[dict], float]


def run(job: Job, workdir: pathlib.Path, mesh: jax.sharding.Mesh) -> None:
    """Trains in `workdir`, from its newest checkpoint on if it has one.

    Raises:
      InputError: the folder is not to be had, or holds checkpoints of another network.
      KeyboardInterrupt: told to stop; the state is saved.
    """
    cli.make_folder("workdir", workdir)
    with _claim(workdir):
        _run(job, workdir, mesh)


def _claim(workdir):
    """Keeps a second run out of the folder: both would write the same steps there."""
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
    saved, state = _open(job, workdir)
    state = sharding.replicate(state, mesh)
    first = int(state.step)
    with logs.Log(workdir, first) as log:
        with contextlib.closing(saved):
            for change in _keep_config(config, workdir / "config.json"):
                log.line(f"note: changed since the run was last started: {change}")
            log.line(
                f"{mesh.size} {jax.devices()[0].platform} device(s), from step {first}"
            )
            save = _saver(job, saved, log)
            stop = cli.StopSignal()
            for phase in job.phases:
                state = _train(config, phase, state, mesh, save, log, stop)
            step = int(state.step)
            if saved.latest() != step:
                save(state)
        log.line(f"final params sha256: {trained.digest(state.params)} step: {step}")


def _open(job, workdir):
    """The run's checkpoints, and its newest state or a fresh one."""
    saved = checkpoints.Checkpoints(workdir / "checkpoints")
    state = job.initial()
    if saved.latest() is not None:
        state = trained.restore(saved, saved.latest(), job.config, state)
    return saved, state


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
        fresh = phase.optimizer.init(state.params)
        state = state._replace(optimizer=sharding.replicate(fresh, mesh))
    run_key = jax.random.fold_in(jax.random.key(config.run.seed), phase.first + 3)
    key = sharding.replicate(run_key, mesh)
    with (
        contextlib.closing(phase.batches(start - phase.first)) as batches,
        log.progress(phase.name, start, phase.last) as progress,
    ):
        wait = waiting.Waiting()
        for step in range(start + 1, phase.last + 1):
            clips = wait.next(batches, state.step)["clips"]
            split = sharding.ready(sharding.split(clips, mesh), mesh)
            state, metrics, inner_losses = phase.step(state, split, key)
            state = sharding.ready(state, mesh)
            stopping = stop.received
            saving = stopping or step % config.run.save_every_steps == 0
            logging = step % config.run.log_every_steps == 0
            # What is about to be saved must be finite, which logging looks at.
            if logging or saving or step in (start + 1, phase.last):
                _check_inner_losses(step, inner_losses)
                log.metrics(step, phase.name, metrics, waiting_share=wait.share())
            progress.update()
            if stopping:
                # There may be seconds left: saved as it is, and never the best.
                save(state, judged=False)
                raise KeyboardInterrupt
            if saving:
                save(state)
                wait.restart()
    return state


def _check_inner_losses(step, losses):
    """Raises a ValueError that names task and inner step of the first bad loss.

    `losses` is `[tasks, K]`, or empty where nothing adapts.
    """
    for task, of_steps in enumerate(np.asarray(losses) if len(losses) else ()):
        for k, value in enumerate(of_steps):
            if not math.isfinite(value):
                raise ValueError(
                    f"step {step}: the inner loss of task {task} is {value} at inner "
                    f"step {k}; a smaller config.inner.tsr_step_size or ssr_step_size "
                    "may help"
                )


def _saver(job, saved, log):
    """`(state, judged=True)`: scores the averaged weights and starts saving the state.

    Unjudged it is never the best.
    """
    validate = job.validation()

    def save(state, *, judged=True):
        step = int(state.step)
        scores = validate(state.average) if judged else {}
        if scores:
            log.metrics(step, "validation", scores)
        record = {"network": job.config.network.to_dict(), "data_step": step}
        saved.save(step, state, record, job.judge(scores) if scores else -math.inf)

    return save
