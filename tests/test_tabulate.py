"""The README's tables are what the published results make; how they are made."""

import json

import pytest
from absl import flags
from absl.testing import flagsaver

from experiments import cli, published, readme_tables, step_tables, tabulate


def _result(row, kernel, mode, clip, steps, psnr, **more):
    shared = {"protocol": "all", "list": "", "steps_taken": 0, "frames": 9}
    columns = {"ssim_y": 0.5, "lr_consistency": 40.0, "niqe": None, "identical": 0}
    for split in ("given", "interpolated"):
        columns |= {f"psnr_y_{split}": psnr, f"ssim_y_{split}": 0.5}
    key = {"row": row, "kernel": kernel, "kernel_mode": mode, "clip": clip}
    return {**shared, **columns, **key, "steps": steps, "psnr_y": psnr, **more}


def _cells(lines):
    """What stands in a table, line by line."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.fixture
def evaluation():
    """What `evaluate` might leave: two clips, two kernels, known and estimated."""
    results = [
        _result("ours", kernel, mode, clip, steps, base + bonus - loss)
        for kernel, loss_there in (("iso1.6", 0.25), ("iso2.8", 0.5), ("disk3", 1.0))
        for mode, loss in (("oracle", 0.0), ("estimated", loss_there))
        for clip, base in (("a", 20.0), ("b", 30.0))
        for steps, bonus in ((0, 0.0), ("auto", 0.125))
    ]
    estimates = [
        {"kernel": kernel, "clip": clip, "kernel_error": error, "assumed": False}
        for kernel, error in (("iso1.6", 0.1), ("iso2.8", 0.3), ("disk3", 0.7))
        for clip in "ab"
    ]
    timings = [
        {"row": "ours", "steps": "auto", "protocol": "all", "seconds": s}
        for s in (9.0, 1.0, 2.0)
    ]
    timings += [{"row": "estimate", "seconds": s} for s in (5.0, 0.5, 0.5)]
    provenance = {
        "estimator": "network 0123",
        "weights": {"ours": {"training_seconds": 77}},
    }
    return {
        "provenance": provenance,
        "results": results,
        "estimates": estimates,
        "timings": timings,
    }


@pytest.mark.parametrize("name", ["README.md", "experiments/results/README.md"])
def test_the_readmes_are_what_the_results_make(pytestconfig, name):
    root = pytestconfig.rootpath
    text = (root / name).read_text(encoding="utf-8")
    published = tabulate.load(root / "experiments" / "results")
    assert tabulate.fill(text, published) == text
    assert text.count("<!-- table ") == text.count("<!-- end -->") > 0


def test_published_results_say_where_they_are_from(pytestconfig):
    published = tabulate.load(pytestconfig.rootpath / "experiments" / "results")
    assert published
    for content in published.values():
        assert {"command", "commit", "hardware", "versions"} <= set(
            content["provenance"]
        )
        assert "+changes" not in content["provenance"]["commit"]


def _of(evaluation, keep, **provenance):
    """A part of an evaluation, published."""
    results = [entry for entry in evaluation["results"] if keep(entry)]
    provenance = evaluation["provenance"] | provenance
    return tabulate.summarise(
        {**evaluation, "results": results, "provenance": provenance}
    )


def test_an_estimate_costs_what_it_is_below_the_oracle(evaluation):
    told = _of(evaluation, lambda entry: entry["kernel_mode"] == "oracle")
    guessed = lambda entry: entry["kernel_mode"] == "estimated"
    network = _of(evaluation, guessed)
    spectrum = _of(
        evaluation,
        lambda entry: guessed(entry) and entry["kernel"] != "disk3",
        estimator="spectrum",
    )
    lines = readme_tables.estimators(told, network, spectrum)
    cells = _cells(lines)
    assert cells[2] == [
        "network",
        "0.20",  # (0.1 + 0.3) / 2
        "-",
        "0.70",
        "0.375",  # (0.25 + 0.5) / 2
        "0.500",
        "0.500",
        "-",
        "1.000",
        "0",
        "0.50",  # a median: the first call compiled
    ]
    assert [cells[3][column] for column in (0, 4, 8)] == ["spectrum", "0.375", "-"]
    # One evaluation may hold both ways; what nothing was told the truth of has no line.
    assert readme_tables.estimators(_of(evaluation, bool)) == lines[:3]
    assert readme_tables.estimators(network, spectrum) == lines[:2]


def test_a_row_has_its_gaussians_and_the_others_apart(evaluation):
    lines = readme_tables.blind(tabulate.summarise(evaluation))
    cells = _cells(lines)[-1]
    assert cells[:4] == ["ours", "77", "24.625", "24.750"]
    assert cells[7:9] == ["24.000", "24.125"]


def _of_shipped(evaluation, row, steps, kernels, protocols=("all",)):
    """Trilinear has what `kernels` says, the row 1.0, 1.25, 1.5 dB more by steps.

    By the protocol `zsm` all have 0.5 dB less.
    """
    results = [
        _result(name, kernel, "estimated", "a", n, base + bonus - loss, protocol=which)
        for kernel, base in kernels.items()
        for which, loss in zip(protocols, (0.0, 0.5), strict=False)
        for name, n, bonus in (
            ("trilinear", 0, 0.0),
            *((row, n, {0: 1.0, 5: 1.25, "auto": 1.5}[n]) for n in steps),
        )
    ]
    return tabulate.summarise({**evaluation, "results": results})


@pytest.mark.parametrize(
    ("weights", "steps", "protocols", "wanted"),
    [
        (
            "shipped",
            (0, 5, "auto"),
            ("all", "zsm"),
            "21.000 22.000 22.250 22.500 1.500 22.500 22.500 0.5000 22.000",
        ),
        ("shipped_b", (0,), ("all",), "21.000 22.000 1.000 22.000 22.000 0.5000"),
    ],
)
def test_what_is_shipped_is_told_by_kernel_and_as_a_mean_of_the_gaussians(
    evaluation, weights, steps, protocols, wanted
):
    kernels = {"iso1.6": 20.0, "iso2.8": 22.0, "disk3": 30.0}
    summary = _of_shipped(
        evaluation, f"{weights}/consistent", steps, kernels, protocols
    )
    lines = step_tables.shipped(summary, weights)
    cells = _cells(lines)
    assert len({len(row) for row in cells}) == 1
    assert [row[0] for row in cells[2:]] == [*kernels, "**mean of 2 Gaussians**"]
    assert cells[-1][1:] == wanted.split()


def test_the_summary_has_both_sizes_side_by_side(evaluation):
    kernels = {"bicubic": 20.0, **dict.fromkeys(published.GAUSSIANS, 22.0)}
    kernels |= dict.fromkeys(published.OTHERS, 24.0)
    both = [
        _of_shipped(evaluation, f"{weights}/consistent", steps, kernels)
        for weights, steps in (("shipped", (0, "auto")), ("shipped_b", (0,)))
    ]
    lines = step_tables.summary(**{"some clips": both})
    assert lines[2:] == [
        "| some clips | bicubic | 20.00 | **21.50** | +1.50 | **21.00** | +1.00 |",
        "| some clips | 12 Gaussians | 22.00 | **23.50** | +1.50 | **23.00** | +1.00 |",
        "| some clips | disk, motion, irregular | 24.00 | **25.50** | +1.50 | "
        "**25.00** | +1.00 |",
    ]


def test_by_zsm_a_group_of_blurs_is_told_if_it_is_whole(evaluation):
    kernels = {"bicubic": 20.0, **dict.fromkeys(published.GAUSSIANS, 22.0)}
    both = ("all", "zsm")
    small = _of_shipped(evaluation, "shipped/consistent", (0, "auto"), kernels, both)
    few = {"bicubic": 20.0, "iso1.6": 22.0}
    large = _of_shipped(evaluation, "shipped_b/consistent", (0,), few, both)
    lines = step_tables.by_zsm(**{"some clips": (small, large)})
    assert lines[2:] == [
        "| some clips | bicubic | 19.500 | 20.500 | 20.500 |",
        "| some clips | 12 Gaussians | 21.500 | 22.500 | - |",
        "| some clips | disk, motion, irregular | - | - | - |",
    ]


def test_weights_are_told_after_each_number_of_steps(evaluation):
    results = [
        _result("ours", kernel, "estimated", "a", steps, base + bonus)
        for kernel, base in (("iso1.6", 20.0), ("iso2.8", 22.0), ("bicubic", 30.0))
        for steps, bonus in ((0, 0.0), (5, 0.5), ("auto", 0.75))
    ]
    floor = [
        _result("trilinear", kernel, "estimated", "a", 0, 19.0)
        for kernel in ("iso1.6", "iso2.8", "bicubic")
    ]
    summary = tabulate.summarise({**evaluation, "results": floor + results})
    head, _, trilinear, ours = step_tables.by_steps(summary)
    assert "Gaussians: n = 0 | n = 5 | n chosen | bicubic: n = 0 |" in head
    assert trilinear == "| trilinear | - |" + " 19.000 |" * 6
    values = (21.0, 21.5, 21.75, 30.0, 30.5, 30.75)
    assert ours == "| ours | 77 | " + " | ".join(f"{v:.3f}" for v in values) + " |"


def test_seconds_are_medians_of_what_was_measured(evaluation):
    summary = tabulate.summarise(evaluation)
    ours = next(entry for entry in summary["seconds"] if entry["row"] == "ours")
    assert ours["seconds"] == 2.0 and ours["seconds_per_frame"] is None
    assert ours["measured"] == 3


def test_a_curve_is_drawn_from_its_results(evaluation, tmp_path):
    assert readme_tables.draw(tmp_path, {}) == []
    curve = [
        _result("ours", "iso1.6", "estimated", "a", steps, 20 + 0.01 * steps)
        for steps in (0, 1, 5)
    ]
    summary = tabulate.summarise({**evaluation, "results": curve})
    drawn = readme_tables.draw(tmp_path, {"val_curve": summary})
    assert drawn == [tmp_path / "curve.png"] and drawn[0].stat().st_size > 1000


def test_marks_keep_what_is_around_them(evaluation, monkeypatch):
    monkeypatch.setitem(readme_tables.TABLES, "one", (("there",), lambda found: ["x"]))
    monkeypatch.setattr(readme_tables, "SHORT", ("one",))
    text = "a\n<!-- table one -->\nold\nlines\n<!-- end -->\nb\n"
    filled = tabulate.fill(text, {"there": evaluation})
    assert filled == "a\n<!-- table one -->\nx\n<!-- end -->\nb\n"
    assert tabulate.fill(filled, {"there": evaluation}) == filled


def test_a_table_tells_how_it_was_made(monkeypatch):
    monkeypatch.setitem(readme_tables.TABLES, "one", (("there",), lambda found: ["x"]))
    made = {
        "command": ["python", "-m", "experiments.evaluate", "--a=b"],
        "commit": "0123456789",
        "hardware": {"devices": ["cpu"], "processor": "Some CPU", "cores": 3},
    }
    text = "<!-- table one -->\n<!-- end -->\n"
    filled = tabulate.fill(text, {"there": {"provenance": made}})
    assert "commit 0123456, 3 cores of Some CPU, cpu:" in filled
    assert "\n    python -m experiments.evaluate --a=b\n" in filled


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("nothing", "a table 'nothing'; known: floor"), ("floor", "not published: floor")],
)
def test_unknown_tables_and_missing_results_are_told(name, complaint):
    with pytest.raises(cli.InputError, match=complaint):
        tabulate.fill(f"<!-- table {name} -->\n<!-- end -->", {})


@pytest.fixture
def places(evaluation, tmp_path):
    """A folder of results, a text with a table, and what `evaluate` left."""
    (tmp_path / "results").mkdir()
    text = "a\n<!-- table floor -->\nold\n<!-- end -->\nb\n"
    (tmp_path / "README.md").write_text(text)
    hardware = {"devices": ["cpu"], "processor": "Some CPU", "cores": 3}
    evaluation["provenance"] |= {
        "command": ["python"],
        "commit": "0123456789",
        "hardware": hardware,
    }
    evaluation["results"] = [{**r, "row": "trilinear"} for r in evaluation["results"]]
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "results.json").write_text(json.dumps(evaluation))
    return tmp_path


def _tabulate(folder, *more):
    with flagsaver.flagsaver():
        places = [f"--results={folder}/results", f"--readmes={folder}/README.md"]
        flags.FLAGS(["tabulate", *places, *more])
        tabulate.main([])


def test_what_is_published_fills_the_table_and_stays(places, evaluation, capsys):
    text = (places / "README.md").read_text()
    _tabulate(places, f"--publish=floor={places}/run")
    summary = json.loads((places / "results" / "floor.json").read_text())
    assert summary == json.loads(json.dumps(tabulate.summarise(evaluation)))
    filled = (places / "README.md").read_text()
    assert filled == tabulate.fill(text, {"floor": summary})
    # Oracle, not adapted: 20 and 30 dB.
    assert "\n| iso1.6 | 25.000 | 25.000 | 25.000 | 25.000 |\n" in filled
    assert filled.startswith("a\n") and filled.endswith("-->\nb\n")
    written = [places / "results" / "floor.json", places / "README.md"]
    assert capsys.readouterr().out == "".join(f"written: {path}\n" for path in written)
    _tabulate(places)
    assert (places / "README.md").read_text() == filled


@pytest.mark.parametrize(
    ("flag", "complaint"),
    [
        ("--publish=floor", "--publish=floor: must read NAME=DIR"),
        ("--publish=a/b=run", "--publish=a/b=run: must read NAME=DIR"),
        ("--publish=floor=nowhere", "nowhere/results.json: cannot be read"),
        ("--results=nowhere", "--results=nowhere: no such folder"),
        ("--readmes=nowhere", "--readmes=nowhere: no such file"),
        ("--publish=", "not published: floor"),
    ],
)
def test_what_cannot_be_published_changes_no_text(places, flag, complaint):
    text = (places / "README.md").read_text()
    with pytest.raises(cli.InputError, match=complaint):
        _tabulate(places, flag)
    assert (places / "README.md").read_text() == text
    assert not list((places / "results").iterdir())


def test_other_files_among_the_results_are_passed_over(tmp_path):
    (tmp_path / "bars.json").write_text("[1, 2]")
    (tmp_path / "mine.json").write_text(json.dumps({"means": [], "provenance": {}}))
    assert list(tabulate.load(tmp_path)) == ["mine"]
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(cli.InputError, match=r"broken.json: cannot be read"):
        tabulate.load(tmp_path)
