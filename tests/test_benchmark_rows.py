"""What the benchmark makes of its rows: bars, a plot, files, lines for a person."""

import json
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from experiments import charts
from experiments.benchmarks import bars, drawing, problem

ROOT = pathlib.Path(__file__).parent.parent


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


def _command(output, *more):
    """The whole command on rows made by hand, as nothing is measured so fast."""
    arguments = ["--what=meta_gradient", f"--output={output}", *more]
    return subprocess.run(
        [sys.executable, "-c", _COMMAND, *arguments, json.dumps(_rows())],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_pytorch_the_command_says_so_in_one_line(tmp_path):
    output = tmp_path / "rows.json"
    done = _command(output)
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


def test_what_an_interrupted_run_measured_is_kept(tmp_path):
    output = tmp_path / "rows.json"
    before = [row | {"seconds": 7.0} for row in _rows() if row["K"] == 1]
    unfinished = tmp_path / "rows.json.design.unfinished"
    unfinished.write_text(json.dumps(before))
    done = _command(output)
    assert done.returncode == 0 and f"goes on from {unfinished}" in done.stdout
    rows = json.loads(output.read_text())
    assert rows[: len(before)] == before
    assert {row["K"] for row in rows[len(before) :]} == {5, 20}
    assert not unfinished.exists()


def test_the_gpu_preset_needs_one(tmp_path):
    done = _command(tmp_path / "rows.json", "--preset=gpu")
    assert done.returncode == 2 and "JAX finds no accelerator here" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_label_has_one_colour_in_every_panel(tmp_path):
    """One line is missing from the second panel: those after it keep their colours."""
    panels = []
    for labels in ("abc", "ac"):
        lines = [charts.Line(label, [0, 1], [n, n]) for n, label in enumerate(labels)]
        panels.append(charts.Panel("", "", "", lines))
    charts.draw(tmp_path / "lines.svg", panels)
    drawn = (tmp_path / "lines.svg").read_text()
    blue, orange, green = "#1f77b4", "#ff7f0e", "#2ca02c"
    counts = [len(re.findall(f"stroke: {color}", drawn)) for color in (blue, green)]
    assert counts[0] == counts[1] > len(re.findall(f"stroke: {orange}", drawn)) > 0
