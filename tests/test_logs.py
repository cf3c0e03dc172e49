"""The record of a run: each step once, no half lines, an end where it diverges."""

import json

from experiments import logs


def _records(folder):
    return [
        json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()
    ]


def test_a_resumed_run_drops_what_came_after_its_checkpoint(tmp_path):
    with logs.Log(tmp_path, 0) as log:
        for step in (1, 2, 3):
            log.metrics(step, "meta", {"loss": 1.0})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 2, "stre')  # killed as it wrote
    with logs.Log(tmp_path, 2) as log:
        log.metrics(3, "meta", {"loss": 2.0})
    found = [(record["step"], record["loss"]) for record in _records(tmp_path)]
    assert found == [(1, 1.0), (2, 1.0), (3, 2.0)]


def test_a_run_without_a_checkpoint_starts_its_record_anew(tmp_path):
    for loss in (1.0, 2.0):
        with logs.Log(tmp_path, 0) as log:
            log.metrics(1, "meta", {"loss": loss})
    assert [record["loss"] for record in _records(tmp_path)] == [2.0]


def test_what_is_not_finite_stays_in_the_record_as_json_can_have_it(tmp_path):
    with logs.Log(tmp_path, 0) as log:
        log.metrics(7, "meta", {"loss": float("nan"), "norm": 1.0})
    assert _records(tmp_path) == [
        {"step": 7, "stream": "meta", "loss": None, "norm": 1.0}
    ]


def test_a_process_that_does_not_write_leaves_nothing(tmp_path, capsys):
    with logs.Log(tmp_path, 0, writes=False) as log:
        log.metrics(7, "meta", {"loss": 1.0})
    assert not list(tmp_path.iterdir())
