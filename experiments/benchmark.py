r"""Speed and memory of what the project is about, against other ways to do it.

    python -m experiments.benchmark --what=meta_gradient --preset=design \
        --output=FILE.json

Reads nothing: clips are rendered. Leaves FILE.json, a list of rows, and
FILE.provenance.json; of the meta-gradient also FILE.png, time and memory against K.

`--what=meta_gradient`: one outer step, ours and the ways of others. `--preset=design`:
one shape (4 tasks of 4 frames, K = 5, 32 channels, 4 blocks), then what K changes.
`--preset=gpu`: 8 tasks, K = 10, 1.5 M parameters, in full precision and in
TensorFloat-32, on one accelerator. Both end with the bars that they are held to.
`--preset=sweep`: K, tasks and sizes, a quarter of an hour; the slow programs up to
K = 5. Stopped, the same command goes on with the shape that it was at. PyTorch is
optional, as a baseline: `pip install torch==2.13.0`.

`--what=restore`: what the weights that come with the project need for 30 frames of
180 x 120 pixels, for estimation, 5 steps of adaptation and restoration; against what
their convolutions alone need at the rate of this machine. `--preset=gpu`: 180 x 144,
and size `b` of the weights.

`--what=input`: clips of Vimeo-90K's shape, rendered: how many one core unpacks in a
second from the project's shards' form and from others, and how many the loader gives
it, cropped. One preset, `design`.
"""

import json

import jax
from absl import flags

from experiments import (
    cli,
    cores,
    estimators,
    outputs,
    provenance,
    shipped,
)
from experiments.benchmarks import bars, drawing, problem, reading, restoring, table

_WHAT = flags.DEFINE_enum(
    "what", None, ["meta_gradient", "restore", "input"], "What is measured."
)
_PRESET = flags.DEFINE_enum(
    "preset", "design", ["design", "gpu", "sweep"], "Which shapes."
)
_OUTPUT = flags.DEFINE_string("output", None, "FILE.json, replaced if it is there.")


def main(argv):
    del argv
    output = outputs.file("output", _OUTPUT.value, ".json")
    cores.use(problem.DESIGN.tasks)
    if _PRESET.value == "gpu" and jax.default_backend() == "cpu":
        raise cli.InputError(
            "--preset=gpu: JAX finds no accelerator here, only CPU cores; use "
            "--preset=design, or install jax for the accelerator that there is"
        )
    measures = {"meta_gradient": _meta_gradient, "restore": _restore, "input": _input}
    lines = measures[_WHAT.value](output, outputs.teller())
    record = json.dumps(provenance.collect(), indent=2)
    outputs.write(output.with_suffix(".provenance.json"), record)
    for line in lines:
        print(line)


def _restore(output, tell):
    if _PRESET.value == "sweep":
        raise cli.InputError("--preset=sweep: restore knows design and gpu")
    shape, weights = restoring.DESIGN, shipped.network()
    if _PRESET.value == "gpu":
        shape, weights = restoring.GPU, shipped.network("b")
    rows = restoring.measure(shape, weights, estimators.load("network"), tell)
    outputs.write(output, json.dumps(rows, indent=1))
    return restoring.told(rows)


def _input(output, tell):
    if _PRESET.value != "design":
        raise cli.InputError(f"--preset={_PRESET.value}: input knows design alone")
    reading.pin()
    rows = reading.measure(reading.DESIGN, tell)
    outputs.write(output, json.dumps(rows, indent=1))
    return reading.told(rows)


def _meta_gradient(output, tell):
    if "torch" not in table.makers():
        tell(f"PyTorch is not installed, its rows are left out: {table.INSTALL}")
    rows = _rows(output, _plan(_PRESET.value), tell)
    drawing.against_k(output.with_suffix(".png"), rows)
    return bars.told(rows) if _PRESET.value != "sweep" else ()


def _plan(preset):
    """`[(shape, programs), ...]`, measured one after the other."""
    design = problem.DESIGN
    fast = table.OURS + table.TORCH
    if preset == "gpu":
        return [(problem.GPU, table.ACCELERATED + table.TORCH)]
    if preset == "design":
        return [
            (design, table.OURS + table.TEXTBOOK[:1] + table.CHECKPOINT + table.TORCH),
            (design._replace(K=1), table.OURS[:1]),
            (design._replace(K=20), table.OURS + table.ONE_CORE + table.TORCH),
        ]
    slow = table.TEXTBOOK + table.CHECKPOINT  # minutes a round where K is large
    plan = [(design._replace(K=K), fast + slow) for K in (1, 2, 5)]
    plan += [(design._replace(K=K), fast) for K in (10, 20)]
    plan += [(design._replace(tasks=tasks), fast) for tasks in (1, 8)]
    for channels, blocks in ((16, 2), (64, 8)):
        plan.append((design._replace(channels=channels, blocks=blocks), fast))
    return plan


def _rows(output, plan, tell):
    """All rows of a plan; shapes that an interrupted run measured are not run again."""
    unfinished = output.with_name(f"{output.name}.{_PRESET.value}.unfinished")
    rows = json.loads(unfinished.read_text()) if unfinished.exists() else []
    if rows:
        tell(f"goes on from {unfinished}; remove it to start afresh")
    for shape, wanted in plan:
        if not any(shape._asdict().items() <= row.items() for row in rows):
            rows += table.measure(shape, wanted, tell)
            outputs.write(unfinished, json.dumps(rows, indent=1))
    unfinished.replace(output)
    return rows


if __name__ == "__main__":
    flags.mark_flags_as_required(["what", "output"])
    cli.run(main)
