"""Worker processes that do the jobs, and what is told of them as they go."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import sys
import time
from concurrent.futures import process

from adavsr_jax import held_signals, orphans
from data_prep import jobs

_REPORT_SECONDS = 10
# What Python can wait for on Windows.
_MOST_WORKERS = 61

_clips_made = None  # in a worker: the counter that all of them share


def count_cores():
    """Processes that make sense: the cores this one may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return min(os.cpu_count() or 1, _MOST_WORKERS)


@contextlib.contextmanager
def start(count):
    """A crew of at most `count` processes, each started when there is a job for it.

    They start afresh, as on Windows and macOS, whatever the system. On an error, an
    interrupt or a kill of this process they are gone at once.

    Yields:
      a `Crew`.
    """
    context = multiprocessing.get_context("spawn")
    made = context.Value("q", 0)
    executor = concurrent.futures.ProcessPoolExecutor(
        count, context, initializer=_begin, initargs=(made,)
    )
    others = set(multiprocessing.active_children())
    try:
        yield Crew(executor, made)
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - others:
            child.kill()
            child.join()
        raise
    executor.shutdown()


class Crew:
    """Does jobs in processes. Made by `start`."""

    def __init__(self, executor, made):
        self._executor = executor
        self._made = made

    def do(self, waiting, line):
        """Does jobs, and prints now and then to stderr how far they are.

        Args:
          waiting: list of `jobs.Job`.
          line: `line(files, clips, rate)` is what to print after so many files and
            clips of these jobs, at so many clips a second.

        Returns:
          what `jobs.do` returns of each, in their order.

        Raises:
          ValueError, OSError: as `jobs.do`; of the first job that failed.
          OSError: a process died.
        """
        start, before = time.monotonic(), self._made.value
        with held_signals.held():
            futures = [self._executor.submit(_do, job) for job in waiting]
        pending = set(futures)
        while pending:
            finished, pending = concurrent.futures.wait(
                pending, _REPORT_SECONDS, concurrent.futures.FIRST_EXCEPTION
            )
            _raise(finished)
            if pending:
                clips = self._made.value - before
                rate = clips / (time.monotonic() - start)
                files = len(futures) - len(pending)
                print(line(files, clips, rate), file=sys.stderr, flush=True)
        return [future.result() for future in futures]


def _raise(finished):
    for future in finished:
        try:
            future.result()
        except process.BrokenProcessPool as error:
            raise OSError(
                "a worker process was ended from outside, perhaps for want of memory: "
                "give the same command to go on, with fewer --workers if it repeats"
            ) from error


def _begin(made):
    """What a worker does first."""
    global _clips_made
    _clips_made = made
    # An interrupt from the keyboard reaches all processes: the first one acts on it.
    held_signals.ignore(signal.SIGINT)
    orphans.end_with_parent()


def _do(job):
    try:
        return jobs.do(job, _count)
    except (ValueError, OSError) as error:
        # Not every error of a library survives the way between two processes.
        raise ValueError(str(error)) from None


def _count():
    with _clips_made.get_lock():
        _clips_made.value += 1
