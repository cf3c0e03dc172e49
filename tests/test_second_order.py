"""The race of the orders: rows of every way, resumed, drawn, and what it refuses."""

import json
import os
import pathlib
import subprocess
import sys

import commands
import pytest
from PIL import Image

ROOT = pathlib.Path(__file__).parent.parent
pytestmark = pytest.mark.slow
TINY = [
    "--config=experiments/configs/demo.py",
    "--config.network.tsr_channels=3",
    "--config.network.ssr_channels=3",
    "--config.network.tsr_blocks=0",
    "--config.network.ssr_blocks=0",
    "--config.data.rendered_clips=2",
    "--config.data.frames=3",
    "--config.inner.steps=1",
    "--config.large_scale.batch=2",
    "--config.large_scale.patch=32",
    "--config.meta.batch=2",
    "--config.meta.patch=32",
    "--config.meta.query_size=4",
    "--config.run.validation_clips=1",
]


def _run(command, *more):
    return subprocess.run(
        [sys.executable, "-m", f"experiments.{command}", *TINY, *more],
        cwd=ROOT,
        env=os.environ | commands.QUICK,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module", name="start")
def _start(tmp_path_factory):
    start = tmp_path_factory.mktemp("runs") / "start"
    few = ["--config.large_scale.steps=1", "--config.meta.steps=0"]
    done = _run("meta_train", f"--workdir={start}", "--config.run.seed=5", *few)
    assert done.returncode == 0, done.stderr
    return start


def test_a_start_is_raced_once(start, tmp_path):
    output = tmp_path / "found.json"
    arguments = [f"--starts={start}", f"--output={output}", "--minutes=0.01"]
    done = _run("second_order", *arguments)
    assert done.returncode == 0, done.stderr
    found = json.loads(output.read_text())
    rows = found["results"]
    for way in ("plain", "first order", "second order", "annealed"):
        of_way = [row for row in rows if row["way"] == way]
        minutes = [0.01 * share for share in (0, 0.25, 0.5, 0.75, 1)]
        assert [row["minutes"] for row in of_way] == minutes
        assert all(row["seconds"] >= 60 * row["minutes"] for row in of_way)
        assert of_way[0]["steps"] == 0 < of_way[-1]["steps"]
        assert all(10 < psnr < 60 for row in of_way for psnr in row["psnr_y"])
        assert {(len(row["psnr_y"]), row["seed"]) for row in of_way} == {(11, 5)}
        # One start for all, and none stays there.
        assert of_way[0]["psnr_y"] == rows[0]["psnr_y"] != of_way[-1]["psnr_y"]
    losses = [(row["loss"], row["epsilon"]) for row in found["curvature"]]
    assert losses == [("l1", None), ("charbonnier", 1e-3), ("charbonnier", 1e-2)]
    assert all(len(row["ratios"]) == 1 for row in found["curvature"])
    assert found["provenance"]["config"]["inner"]["steps"] == 1
    with Image.open(output.with_suffix(".png")) as image:
        assert image.format == "PNG"
    other = _run("second_order", *arguments[:2], "--minutes=0.02")
    assert other.returncode == 2 and "of other --minutes" in other.stderr
    before = output.read_bytes()
    again = _run("second_order", *arguments)
    assert again.returncode == 0 and "start: done before" in again.stdout
    assert output.read_bytes() == before


@pytest.mark.parametrize(
    "more, words",
    [
        (["--config.network.ssr_channels=4"], "is of another network"),
        (["--output=found.txt"], "must end in .json"),
        (["--output={damaged}"], "not a file of ours"),
    ],
)
def test_what_cannot_be_raced_is_refused(start, tmp_path, more, words):
    damaged = tmp_path / "damaged.json"
    damaged.write_text("{")
    arguments = [f"--starts={start}", f"--output={tmp_path}/found.json"]
    more = [word.format(damaged=damaged) for word in more]
    done = _run("second_order", *arguments, *more)
    assert done.returncode == 2
    assert words in done.stderr and done.stderr.count("\n") == 1
    assert damaged.read_text() == "{"
