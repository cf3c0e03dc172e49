"""The benchmark counts what is computed, measures all alike and says PASS or MISS."""

import json
import math
import pathlib
import re
import subprocess
import sys

import jax
import numpy as np
import pytest
from jax.extend import core
from jax.interpreters import partial_eval
from PIL import Image

from adavsr_jax import inner_loop, meta_gradient, metrics
from experiments.benchmarks import (
    bars,
    drawing,
    measuring,
    problem,
    programs,
    table,
)

ROOT = pathlib.Path(__file__).parent.parent
TINY = problem.Shape(K=1, tasks=2, clips=1, channels=4, blocks=1)
WAYS = {
    ("first", None): meta_gradient.first_order,
    ("second", "save"): meta_gradient.saved,
    ("second", "recompute"): meta_gradient.mixed,
}
KEYS = {
    "program",
    "order",
    "mode",
    "remat",
    "precision",
    *problem.Shape._fields,
    "seconds",
    "compile_seconds",
    "temp_bytes",
    "peak_bytes",
    "flops",
    "rate_share",
    "device",
    "gap",
    "ratio_to_first",
    "ratio_to_ours",
}


def _operations(jaxpr):
    """Of the project's two convolutions, loops counted as often as they run."""
    total = 0
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        if name in ("adavsr_convolve", "adavsr_correlate"):
            # A kernel [Kh, Kw, Ci, Co] or a cotangent [B, H', W', Co]: either way all
            # but its last axis is summed over, two operations a product.
            summed = equation.invars[1].aval.shape[:-1]
            total += 2 * math.prod(equation.outvars[0].aval.shape) * math.prod(summed)
            continue
        repeats = equation.params["length"] if name == "scan" else 1
        total += repeats * sum(map(_operations, core.jaxprs_in_params(equation.params)))
    return total


@pytest.mark.parametrize("order, remat", WAYS)
@pytest.mark.parametrize("shape", [TINY, problem.Shape(3, 2, 2, 8, 2)])
def test_the_operations_are_those_of_the_program(shape, order, remat):
    network = problem.network(shape)

    def loss(params, sharp):
        found = network.apply({"params": params}, problem.seen(sharp))
        return metrics.charbonnier(found, sharp, problem.EPSILON)

    def query_loss(params, task):
        adapted = inner_loop.adapt(
            params,
            task[0],
            loss,
            steps=shape.K,
            step_size=problem.ALPHA,
            gradient=WAYS[order, remat],
        )
        return loss(adapted.params, task[1])

    arguments = problem.parameters(shape), problem.frames(shape)[0]
    traced = jax.make_jaxpr(jax.grad(query_loss))(*arguments).jaxpr
    # As the compiler does: what nothing depends on is left out.
    live, _ = partial_eval.dce_jaxpr(traced, [True] * len(traced.outvars))
    counted = shape.tasks * _operations(live)
    assert problem.operations(shape, order, remat) == counted


@pytest.fixture(name="no_torch")
def _no_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it fails
    monkeypatch.delitem(sys.modules, "experiments.benchmarks.pytorch", raising=False)
    package = sys.modules["experiments.benchmarks"]
    monkeypatch.delattr(package, "pytorch", raising=False)


@pytest.mark.slow
def test_every_program_of_a_shape_gets_a_row(no_torch, monkeypatch):
    """They agree in their gradients, else this would raise."""
    # Processes of their own compile sooner; how fast they run is not looked at.
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")
    known = table.OURS + table.TEXTBOOK + table.CHECKPOINT
    with jax.numpy_rank_promotion("allow"):  # the textbook is not so strict
        rows = table.measure(TINY, known + table.TORCH, lambda line: None)
    named = [(row["program"], row["order"], row["remat"]) for row in rows]
    assert named == [
        ("ours", "second", "recompute"),
        ("ours", "second", "save"),
        ("ours", "first", None),
        ("textbook", "second", "save"),
        ("textbook", "first", None),
        ("checkpoint", "second", "recompute"),
    ]
    for row in json.loads(json.dumps(rows)):
        assert set(row) == KEYS
        assert {name: row[name] for name in TINY._fields} == TINY._asdict()
        positive = ("seconds", "compile_seconds", "temp_bytes", "flops", "rate_share")
        assert all(row[name] > 0 for name in positive)
        assert 0 <= row["gap"] < 1e-3
        assert row["peak_bytes"] is None or row["peak_bytes"] > 0
    assert all(row["peak_bytes"] is None for row in rows[3:])  # the plan is told
    first = [row["ratio_to_first"] for row in rows if row["order"] == "first"]
    assert first == [1, 1]
    assert rows[-1]["ratio_to_first"] is None  # checkpoint has no first order
    assert rows[2]["ratio_to_ours"] == 1
    assert 1 in (row["ratio_to_ours"] for row in rows[:2])  # the faster of the two


def _fake(name, gradient):
    return lambda shape, order: programs.Program(
        name=name,
        order=order,
        mode="reverse",
        remat=None,
        run=lambda: {"w": np.array([1.0, gradient])},
        compile_seconds=0.0,
        temp_bytes=None,
        devices=1,
    )


@pytest.mark.parametrize("other", [2.01, np.nan])
def test_programs_that_compute_different_things_are_not_compared(monkeypatch, other):
    makers = {"ours": _fake("ours", 2.0), "textbook": _fake("textbook", other)}
    monkeypatch.setattr(table, "makers", lambda: makers)
    wanted = [("ours", ("first",)), ("textbook", ("first",))]
    with pytest.raises(RuntimeError, match="textbook .* another gradient"):
        table.measure(TINY, wanted, lambda line: None)


def test_the_peak_of_a_run_is_what_it_touches():
    grown = measuring.resident_growth(lambda: np.ones(2**23))
    if grown is None:
        pytest.skip("this system does not tell a process its peak")
    assert 0.9 * 2**26 < grown < 1.5 * 2**26  # the system counts in batches of pages


def _row(program, order, remat, K, **figures):
    return {
        "program": program,
        "order": order,
        "mode": "",
        "remat": remat,
        "precision": None,
        **problem.DESIGN._replace(K=K)._asdict(),
        "seconds": 0.1,
        "compile_seconds": 5.0,
        "temp_bytes": 10**9,
        "peak_bytes": 10**8,
        "flops": 10**9,
        "rate_share": 0.9,
        "device": "2 x cpu",
        "gap": 0.0,
        "ratio_to_first": 1.0,
        "ratio_to_ours": 1.0,
    } | figures


def _rows():
    """Rows of the design preset that meet every bar."""
    steps = (1, problem.DESIGN.K, 20)
    ours = {"flops": 4 * 10**9, "ratio_to_first": 4.0}
    rows = []
    for K in steps:
        rows.append(_row("ours", "second", "recompute", K, **ours))
        rows.append(_row("ours", "second", "save", K, seconds=0.2, **ours))
        rows.append(_row("ours", "first", None, K))
    rows.append(_row("ours", "second", "recompute", 20, device="1 x cpu", **ours))
    slow = {"peak_bytes": 10**9, "ratio_to_ours": 30.0}
    for K in steps[1:]:
        rows.append(_row("torch", "second", "save", K, **slow))
        rows.append(_row("torch", "first", None, K, **slow))
    rows.append(_row("textbook", "second", "save", problem.DESIGN.K, **slow))
    rows.append(_row("textbook", "first", None, problem.DESIGN.K, **slow))
    rows.append(_row("checkpoint", "second", "recompute", problem.DESIGN.K, **slow))
    return rows


def _verdicts(rows):
    """`{what: PASS, MISS or ----}`."""
    lines = [line.split(None, 1) for line in bars.told(rows)]
    return {words.split(":")[0]: verdict for verdict, words in lines}


def test_bars_that_are_met_pass():
    assert set(_verdicts(_rows()).values()) == {"PASS"}


@pytest.mark.parametrize(
    "row, figures, missed",
    [
        (("textbook", "second", "save", 5), {"ratio_to_ours": 19.9}, "textbook"),
        (("torch", "second", "save", 5), {"ratio_to_ours": 0.9}, "second .* PyTorch,"),
        (("torch", "first", None, 5), {"ratio_to_ours": 0.9}, "first .* PyTorch,"),
        (("ours", "second", "save", 20), {"peak_bytes": 4 * 10**8}, "peak .* save"),
        (("ours", "second", "recompute", 20, 1), {"peak_bytes": 4e8}, "one task at"),
        (("ours", "first", None, 5), {"rate_share": 0.7}, "rate share, first"),
        (("ours", "second", "recompute", 5), {"rate_share": 0.7}, "rate share, sec"),
        (("ours", "second", "save", 5), {"ratio_to_first": 4.7}, "beyond .* save"),
        (("ours", "second", "recompute", 20), {"temp_bytes": 2 * 10**9}, "temp"),
        (("ours", "second", "save", 5), {"compile_seconds": 16.0}, "compile seconds"),
        (("ours", "second", "recompute", 20), {"compile_seconds": 7.0}, "compile time"),
    ],
)
def test_a_bar_that_is_not_met_misses_alone(row, figures, missed):
    columns = ("program", "order", "remat", "K", "device")
    row = (*row[:4], "1 x cpu" if row[4:] else "2 x cpu")
    rows = [
        found | figures if tuple(found[name] for name in columns) == row else found
        for found in _rows()
    ]
    misses = [what for what, verdict in _verdicts(rows).items() if verdict == "MISS"]
    assert len(misses) == 1 and re.search(missed, misses[0]), misses


def _accelerated_rows():
    shape = problem.GPU._asdict()
    K = shape.pop("K")
    precise = {"precision": "highest", "gap": 0.0, "rate_share": 0.1, **shape}
    fast = {"precision": "tensorfloat32", "gap": 1e-3, **shape}
    rows = [_row("ours", "second", "save", K, **precise)]
    rows += [_row("ours", "second", r, K, **fast) for r in ("recompute", "save")]
    torch = {"peak_bytes": 10**9, "ratio_to_ours": 4.0, **shape}
    return [*rows, _row("torch", "second", "save", K, **torch)]


def test_the_bars_of_an_accelerator_look_at_its_fast_precision():
    assert set(_verdicts(_accelerated_rows()).values()) == {"PASS"}
    rows = [row | {"gap": 0.02, "rate_share": 0.3} for row in _accelerated_rows()]
    misses = [what for what, verdict in _verdicts(rows).items() if verdict == "MISS"]
    assert len(misses) == 3  # the share, and the gap twice


def test_what_was_not_measured_says_so():
    without = [row for row in _rows() if row["program"] != "torch"]
    for what, verdict in _verdicts(without).items():
        assert verdict == ("----" if "PyTorch" in what else "PASS"), what
    unknown = [row | {"peak_bytes": None} for row in _rows()]
    for what, verdict in _verdicts(unknown).items():
        assert verdict == ("----" if "peak" in what else "PASS"), what


def test_time_and_memory_are_drawn_against_k(tmp_path):
    rows = [row | {"temp_bytes": None} for row in _rows() if row["program"] == "torch"]
    drawing.against_k(tmp_path / "rows.png", _rows()[:9] + rows)
    with Image.open(tmp_path / "rows.png") as image:
        assert image.format == "PNG"
        assert len(np.unique(np.asarray(image).reshape(-1, 4), axis=0)) > 10


_COMMAND = """
import json, sys
sys.modules["torch"] = None
from experiments import benchmark, cli
from experiments.benchmarks import table
ROWS = json.loads(sys.argv.pop())
def measure(shape, wanted, *_):
    names = {name for name, _ in wanted if name in table.makers()}
    return [r for r in ROWS if r["K"] == shape.K and r["program"] in names]
table.measure = measure
cli.run(benchmark.main)
"""


def test_without_pytorch_the_command_says_so_in_one_line(tmp_path):
    """The whole command on rows made by hand, as nothing is measured so fast."""
    output = tmp_path / "rows.json"
    arguments = ["--what=meta_gradient", f"--output={output}", json.dumps(_rows())]
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if "pip install torch" in line]
    assert len(told) == 1 and "not installed" in told[0]
    expected = [row for row in _rows() if row["program"] != "torch"]
    found = json.loads(output.read_text())
    order = lambda row: (row["program"], row["order"], str(row["remat"]), row["K"])
    assert sorted(found, key=order) == sorted(expected, key=order)
    assert all(line in done.stdout for line in bars.told(expected))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "rows.json",
        "rows.png",
        "rows.provenance.json",
    ]
