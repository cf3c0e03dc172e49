r"""Scores clips x kernels x rows and writes `results.json`.

    python -m experiments.evaluate --clips=DIR --rows=trilinear,ours --weights=RUN \
        --kernels=bicubic,iso1.6 --kernel_mode=oracle,estimated --protocols=all,zsm \
        --steps=0,5,auto --output=DIR

Reads clips, the truth, and weights. Leaves `results.json`, scores with their
provenance, and `rows.jsonl` in `--output`; prints a table.

Every clip is blurred and reduced by each kernel, every other frame dropped, rounded to
8 bits, restored (`rows`) and scored (`scores`, `protocols`). Adaptation sees the
middle of the low-resolution clip (`internal_learning.sample`), each time from the
trained weights. What it is told of the blur is the kernel mode: `oracle` the true one,
`estimated` what `--estimator` makes of the clip, `bicubic` the bicubic. A row that is
told nothing (`trilinear`, predictions) stands under every mode with 0 steps, so that
the table of one mode is whole.

Killed or interrupted, the same command goes on: each clip x kernel x row is written to
`rows.jsonl` when it is done, with its commit. More clips, kernels or rows may be added;
clips, predictions or weights that have changed are done again.
"""

import contextlib
import hashlib
import json
import pathlib
import time

import numpy as np
from absl import flags

from adavsr_jax import kernels, niqe
from experiments import (
    cli,
    clips,
    ledger,
    outputs,
    plans,
    protocols,
    provenance,
    rows,
    scores,
    stamps,
    tables,
)

_OUTPUT = flags.DEFINE_string(
    "output", "runs/evaluation", "Folder of results.json, made if missing."
)

# Without, --help of this command would not show them.
flags.adopt_module_key_flags(plans)


def main(argv):
    del argv
    plan = plans.read()
    output = pathlib.Path(_OUTPUT.value)
    cli.make_folder("output", output)
    origin = provenance.collect()
    settings = {
        "clips": plan.source,
        "steps": plan.steps,
        "modes": plan.modes,
        "protocols": plan.protocols,
        "estimator": plan.estimator and plan.estimator.identity,
        "niqe": plan.pristine and _digest(*plan.pristine),
    }
    content = {"results": [], "estimates": [], "timings": []}
    makers, seconds = set(), 0.0
    with contextlib.closing(ledger.Ledger(output / "rows.jsonl", settings)) as done:
        for clip in plan.clips:
            for found in _score(clip, plan, done, origin["commit"]):
                makers.add(found["commit"])
                seconds += found["seconds"]
                for name in content:
                    content[name] += found.get(name, ())
                for result in found.get("results", ()):
                    print(tables.line(result, result["clip"]), flush=True)
    others = sorted(makers - {origin["commit"]})
    for commit in others:
        print(f"note: {output / 'rows.jsonl'} holds records of commit {commit}")
    origin |= {
        "seconds": round(seconds, 3),
        "other_commits": others,
        "weights": {
            name: {
                "sha256": weights.sha256,
                "step": weights.step,
                "training_seconds": weights.seconds,
            }
            for name, weights in plan.weights.items()
        },
        "estimator": settings["estimator"],
        "niqe": settings["niqe"],
        "crop": f"top left, to multiples of {clips.CROP}",
        "time_reduction": "drop",
    }
    text = json.dumps({"provenance": origin, **content}, indent=1, allow_nan=False)
    outputs.write(output / "results.json", text)
    print(tables.text(content["results"]))
    print(f"written: {output / 'results.json'}")


def _score(clip, plan, done, commit):
    """Yields what is found of each kernel and row, done now or before."""
    truth = None
    for name, kernel in plan.kernels.items():
        problem = [clip.group, clip.name, clip.stamp, name, _digest(kernel)]
        lr = None
        for row in _units(plan):
            key = [*problem, row, _identity(row, clip, plan)]
            found = done.found(key)
            if found is None:
                began = time.monotonic()
                if truth is None:
                    truth = _read(clip, plan)
                if lr is None:
                    lr = rows.degrade(truth, kernel)
                labels = {"kernel": name, "clip": clip.name, "list": clip.group}
                if row == "estimate":
                    found = _estimate(plan, lr, kernel, labels)
                else:
                    told = _told(plan, kernel, done, problem)
                    found = _restore(plan, row, clip, truth, lr, kernel, told, labels)
                found["seconds"] = time.monotonic() - began
                found["commit"] = commit
                done.add(key, found)
            yield found


def _units(plan):
    """The estimate first: rows are told it."""
    estimate = ["estimate"] if plan.estimator else []
    predictions = [plan.predictions_row] if plan.predictions else []
    return [*estimate, *plan.rows, *predictions]


def _read(clip, plan):
    truth = clips.read(clip)
    for protocol in plan.protocols:
        protocols.check(protocol, clip.where, len(truth))
    if plan.pristine:
        try:
            niqe.check_size(*truth.shape[1:3])
        except ValueError as error:
            raise cli.InputError(
                f"{clip.where}: {error}; leave --pristine or the clip out"
            ) from error
    if (truth == truth[0, 0, 0]).all():
        print(f"note: {clip.where} is one flat colour; it says nothing of any row")
    return truth


def _identity(row, clip, plan):
    """What beside the problem a row's result depends on."""
    if row == "estimate":
        return plan.estimator.identity
    if row == plan.predictions_row:
        frames = plan.predictions[clip.name]
        return f"{frames.resolve()} {stamps.of(frames)}"
    weights = plan.weights.get(plans.weights_of(row))
    if not weights:
        return ""
    settings = json.dumps(weights.config.to_dict(), sort_keys=True, default=list)
    return f"{weights.sha256} {hashlib.sha256(settings.encode()).hexdigest()[:16]}"


def _estimate(plan, lr, kernel, labels):
    began = time.monotonic()
    found = plan.estimator.estimate(lr)
    seconds = time.monotonic() - began
    entry = {
        **labels,
        "kernel_error": float(kernels.error(found.kernel, kernel)),
        "told": found.told,
        "assumed": found.assumed,
    }
    timing = {**labels, "row": "estimate", "seconds": seconds}
    return {
        "estimates": [entry],
        "timings": [timing],
        "taps": found.kernel.tolist(),
    }


def _told(plan, kernel, done, problem):
    """`{mode: kernel}`; the estimate was written down before the first row."""
    told = {"oracle": kernel, "bicubic": np.asarray(kernels.bicubic())}
    if plan.estimator:
        written = done.found([*problem, "estimate", plan.estimator.identity])
        told["estimated"] = np.asarray(written["taps"], np.float32)
    return {mode: told[mode] for mode in plan.modes}


def _restore(plan, row, clip, truth, lr, kernel, told, labels):
    """The results of one row, in all modes and protocols, and how long they took."""
    name, _, way = row.partition("/")
    if row == "trilinear":
        ways = rows.trilinear(lr, plan.modes)
    elif row == plan.predictions_row:
        ways = rows.predictions(plan.predictions[clip.name], truth, plan.modes)
    else:
        restore = rows.WAYS[way] if way else rows.adapted
        ways = restore(plan.weights[name], lr, told, plan.steps)
    found = {"results": [], "timings": []}
    for one in ways:
        for protocol in plan.protocols:
            frames, clock = _timed(
                protocols.restore(protocol, len(truth), one.restorer)
            )
            scored = scores.score(frames, truth, lr, kernel, plan.pristine)
            for mode in one.modes:
                same = {**labels, "row": row, "kernel_mode": mode, "steps": one.steps}
                result = {**same, "protocol": protocol, "steps_taken": one.taken}
                found["results"].append({**result, **scored})
                timing = {**same, "protocol": protocol, "seconds": one.adapt_seconds}
                timing["seconds_per_frame"] = clock[0] / scored["frames"]
                found["timings"].append(timing)
    return found


def _timed(frames):
    """The frames, and a list whose number is the seconds spent on making them."""
    clock = [0.0]

    def passed():
        iterator = iter(frames)
        while True:
            began = time.monotonic()
            frame = next(iterator, None)
            clock[0] += time.monotonic() - began
            if frame is None:
                return
            yield frame

    return passed(), clock


def _digest(*arrays):
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()[:16]


if __name__ == "__main__":
    cli.run(main)
