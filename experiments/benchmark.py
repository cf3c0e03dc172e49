"""Speed and memory of what the project is about, against other ways to do it.

    python -m experiments.benchmark --what=meta_gradient --preset=design \
        --output=FILE.json

`--preset=design`: one shape (4 tasks of 4 frames, K = 5, 32 channels, 4 blocks), then
what K changes. `--preset=gpu`: 8 tasks, K = 10, 1.5 M parameters, in full precision and
in TensorFloat-32, on one accelerator. Both end with the bars that they are held to.
`--preset=sweep`: K, tasks and sizes. Leaves FILE.json, a list of rows; FILE.png, time
and memory against K; and FILE.provenance.json. PyTorch is optional, as a baseline:
`pip install torch==2.13.0`.
"""

import json
import pathlib
import time

import jax
from absl import flags

from experiments import cli, cores, provenance
from experiments.benchmarks import bars, drawing, problem, table

_PRESETS = ("design", "gpu", "sweep")
_WHAT = flags.DEFINE_enum("what", None, ["meta_gradient"], "what is measured")
_PRESET = flags.DEFINE_enum("preset", "design", _PRESETS, "which shapes")
_OUTPUT = flags.DEFINE_string("output", None, "FILE.json, replaced if it is there")


def main(argv):
    del argv
    output = pathlib.Path(_OUTPUT.value)
    if output.suffix != ".json":
        raise cli.InputError(f"--output={output}: must end in .json")
    cli.make_folder("output", output.resolve().parent)
    cores.use(problem.DESIGN.tasks)
    if _PRESET.value == "gpu" and jax.default_backend() == "cpu":
        raise cli.InputError(
            "--preset=gpu: JAX finds no accelerator here, only CPU cores; use "
            "--preset=design, or install jax for the accelerator that there is"
        )
    began = time.monotonic()
    tell = lambda line: print(f"{time.monotonic() - began:5.0f} s  {line}", flush=True)
    if "torch" not in table.makers():
        tell(f"PyTorch is not installed, its rows are left out: {table.INSTALL}")
    measure = {"design": _design, "gpu": _gpu, "sweep": _sweep}[_PRESET.value]
    rows = []
    for more in measure(tell):
        rows += more
        _write(output, json.dumps(rows, indent=1))
    drawing.against_k(output.with_suffix(".png"), rows)
    record = json.dumps(provenance.collect(), indent=2)
    _write(output.with_suffix(".provenance.json"), record)
    for line in bars.told(rows) if _PRESET.value != "sweep" else ():
        print(line)


def _design(tell):
    design = problem.DESIGN
    everything = table.OURS + table.TEXTBOOK + table.CHECKPOINT + table.TORCH
    yield table.measure(design, everything, tell)
    yield table.measure(design._replace(K=1), table.OURS, tell)
    long = table.OURS + table.ONE_CORE + table.TORCH
    yield table.measure(design._replace(K=20), long, tell)


def _gpu(tell):
    yield table.measure(problem.GPU, table.ACCELERATED + table.TORCH, tell)


def _sweep(tell):
    design = problem.DESIGN
    fast = table.OURS + table.TORCH
    for steps in (1, 2, 5, 10, 20):
        slow = table.TEXTBOOK + table.CHECKPOINT if steps <= 5 else ()
        yield table.measure(design._replace(K=steps), fast + slow, tell)
    tell("textbook and checkpoint are left out above K = 5: minutes a round")
    for tasks in (1, 2, 8):
        yield table.measure(design._replace(tasks=tasks), fast, tell)
    for channels, blocks in ((16, 2), (64, 8)):
        sized = design._replace(channels=channels, blocks=blocks)
        yield table.measure(sized, fast, tell)


def _write(path, text):
    part = path.with_name(path.name + ".part")  # beside it first: never half a file
    part.write_text(text + "\n")
    part.replace(path)


if __name__ == "__main__":
    flags.mark_flags_as_required(["what", "output"])
    cli.run(main)
