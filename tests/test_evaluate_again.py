"""What a second evaluation into the same folder takes over, and what it does anew."""

import evaluation
import numpy as np
import pytest

from adavsr_jax import video
from experiments import provenance


@pytest.fixture
def clips(tmp_path):
    return evaluation.clips(tmp_path / "clips")


def _theirs(tmp_path, off):
    for name in "ab":
        worse = np.minimum(evaluation.truth(tmp_path / "clips", name), 255 - off) + off
        video.write(tmp_path / "theirs" / name, worse, 25, overwrite=True)


def _again(tmp_path, *flags):
    """Runs into one folder; the PSNR of every clip."""
    evaluation.run(f"--clips={tmp_path / 'clips'}", f"--output={tmp_path}", *flags)
    written = evaluation.written(tmp_path)
    return {r["clip"]: r["psnr_y"] for r in written["results"]}, written["provenance"]


def test_changed_predictions_are_scored_anew(clips, tmp_path, capsys):
    flags = ["--rows=", f"--predictions={tmp_path / 'theirs'}"]
    _theirs(tmp_path, 2)
    before, _ = _again(tmp_path, *flags)
    records = (tmp_path / "rows.jsonl").read_bytes()
    assert _again(tmp_path, *flags)[0] == before
    assert (tmp_path / "rows.jsonl").read_bytes() == records
    _theirs(tmp_path, 8)
    after, _ = _again(tmp_path, *flags)
    assert all(after[name] < before[name] - 6 for name in "ab")


def test_a_changed_clip_is_scored_anew_and_no_other(clips, tmp_path):
    before, _ = _again(tmp_path)
    video.write(clips / "a", evaluation.truth(clips, "a") // 2, 25, overwrite=True)
    after, _ = _again(tmp_path)
    assert after["b"] == before["b"] and after["a"] > before["a"] + 3
    assert len((tmp_path / "rows.jsonl").read_bytes().splitlines()) == 1 + 3


def test_records_of_another_commit_are_told_of(clips, tmp_path, capsys, monkeypatch):
    first, origin = _again(tmp_path)
    assert origin["other_commits"] == [] and origin["seconds"] > 0
    assert "of commit" not in capsys.readouterr().out
    later = provenance.collect() | {"commit": "5" * 40}
    monkeypatch.setattr(provenance, "collect", lambda: dict(later))
    second, now = _again(tmp_path)
    assert second == first and now["other_commits"] == [origin["commit"]]
    assert now["seconds"] == origin["seconds"]
    assert f"holds records of commit {origin['commit']}" in capsys.readouterr().out
