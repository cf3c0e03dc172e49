"""The benchmark counts what is computed and measures all alike."""

import json
import sys

import jax
import numpy as np
import pytest
import untrained

from adavsr_jax import inner_loop, meta_gradient, metrics
from experiments import estimators
from experiments.benchmarks import (
    counting,
    measuring,
    problem,
    programs,
    restoring,
    table,
)

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
    counted = counting.operations(jax.grad(query_loss), *arguments)
    assert problem.operations(shape, order, remat) == shape.tasks * counted


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
        assert 0 <= row["gap"] < 1e-5
        assert row["peak_bytes"] is None or row["peak_bytes"] > 0
    assert all(row["peak_bytes"] is None for row in rows[3:])  # the plan is told
    first = [row["ratio_to_first"] for row in rows if row["order"] == "first"]
    assert first == [1, 1]
    assert rows[-1]["ratio_to_first"] is None  # checkpoint has no first order
    assert rows[2]["ratio_to_ours"] == 1
    assert 1 in (row["ratio_to_ours"] for row in rows[:2])  # the faster of the two


@pytest.mark.slow
def test_a_clip_is_measured_stage_by_stage():
    weights, shape = untrained.weights(), restoring.Shape(4, 16, 24)
    known = estimators.known(np.full((20, 20), 1 / 400, np.float32), "known")
    rows = restoring.measure(shape, weights, known, lambda line: None)
    stages = {row["stage"]: row for row in json.loads(json.dumps(rows))}
    assert list(stages) == ["estimate", "adapt", "restore", "all"]
    for row in rows:
        assert row["seconds"] > 0
        np.testing.assert_allclose(row["seconds_per_frame"], row["seconds"] / 7)
    restore, everything = stages["restore"], stages["all"]
    # Every output frame's SSR, and TSR on both slicings: all are 3 x 3 convolutions.
    taps = {
        name: sum(
            leaf.size
            for leaf in jax.tree.leaves(weights.params[name])
            if leaf.ndim == 4
        )
        for name in ("ssr", "tsr")
    }
    convolved = 2 * 7 * 16 * 24 * (taps["ssr"] + 2 * taps["tsr"])
    assert restore["flops"] == convolved
    assert everything["flops"] == convolved + stages["adapt"]["flops"]
    assert len(list(restoring.told(rows))) == 4


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


@pytest.mark.parametrize("other", [2.1, np.nan])
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
