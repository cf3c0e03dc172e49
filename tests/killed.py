"""SIGKILL at random moments of a training run, each followed by a resume: one end.

    python tests/killed.py --trials=50

A small run of both phases, undisturbed once. Then, each time in a fresh folder, the
same command is killed at a moment drawn from the whole of its time and given again; its
last line, the sha256 of the final weights, must be the undisturbed one's. Compiled
programs are kept from run to run, so that a moment falls into the steps as often as
into the start.
"""

import argparse
import pathlib
import random
import sys
import tempfile
import time

import commands

_FLAGS = [
    *commands.TINY,
    "--config.data.rendered_clips=4",
    "--config.large_scale.steps=120",
    "--config.large_scale.batch=2",
    "--config.meta.steps=80",
    "--config.meta.batch=2",
    "--config.run.log_every_steps=10",
    "--config.run.save_every_steps=10",
]


def trial(workdir, cache, moment):
    """Kills a run after `moment` seconds and goes on; `(was alive, its last line)`."""
    process = _start(workdir, cache)
    time.sleep(moment)
    alive = process.poll() is None
    process.kill()
    process.communicate()
    return alive, finish(workdir, cache)


def finish(workdir, cache):
    """Runs to the end; the line with the digest of the final weights."""
    process = _start(workdir, cache)
    output, errors = process.communicate()
    lines = [x for x in output.splitlines() if x.startswith("final params sha256")]
    if process.returncode or len(lines) != 1:
        raise RuntimeError(
            f"status {process.returncode}: {output[-2000:]} {errors[-2000:]}"
        )
    return lines[0]


def _start(workdir, cache):
    return commands.start(
        "experiments.meta_train",
        f"--workdir={workdir}",
        *_FLAGS,
        JAX_COMPILATION_CACHE_DIR=str(cache),
        JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
    )


def trials(count, seed, folder):
    """Yields `(moment, whether it was alive, whether the end is the same)`."""
    cache, draw = folder / "cache", random.Random(seed)
    finish(folder / "compiles", cache)
    began = time.monotonic()
    expected = finish(folder / "undisturbed", cache)
    whole = time.monotonic() - began
    done = 0
    while done < count:
        moment = draw.uniform(0, whole)
        alive, line = trial(folder / f"{done} {moment:.3f}", cache, moment)
        done += alive  # one that had ended by then does not count
        yield moment, alive, line == expected


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    equal = killed = 0
    with tempfile.TemporaryDirectory() as folder:
        for moment, alive, same in trials(
            asked.trials, asked.seed, pathlib.Path(folder)
        ):
            killed += alive
            equal += alive and same
            words = (
                ("had ended", "killed")[alive],
                ("another end", "the same end")[same],
            )
            print(f"after {moment:6.2f} s: {', '.join(words)}", flush=True)
    print(f"{equal} of {killed} killed runs end as the undisturbed one")
    return equal < killed


if __name__ == "__main__":
    sys.exit(main())
