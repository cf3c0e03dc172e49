"""What a checkpoint is judged by: means over the clips that tell weights apart."""

import types

import numpy as np
import pytest
import small
import tiny_config

from experiments import build, build_data, cli, validation


def _config():
    few = {"network.tsr_blocks": 0, "network.ssr_blocks": 0}
    few |= {"inner.steps": 1, "internal.steps": 1, "run.validation_clips": 2}
    return tiny_config.make(**few)


def _given(monkeypatch, *clips):
    monkeypatch.setattr(build_data, "validation_clips", lambda config: list(clips))


def _learns_nothing(config):
    return lambda params, seen, kernel, steps: types.SimpleNamespace(params=params)


def test_a_clip_restored_exactly_counts_in_no_mean(monkeypatch, capsys):
    config = _config()
    clip = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    monkeypatch.setattr(build, "learner", _learns_nothing)  # it takes a minute
    params = small.params_of(build.model(config))
    first, _ = validation.kernel_keys(config, 2)
    _given(monkeypatch, clip, np.zeros_like(clip))
    scores = validation.build_validation(config)(params)
    assert "1 of 2 validation clips are left out" in capsys.readouterr().out
    _given(monkeypatch, clip)
    monkeypatch.setattr(validation, "kernel_keys", lambda config, count: first[None])
    assert validation.build_validation(config)(params) == scores
    assert len(scores) == 3 and all(map(np.isfinite, scores.values()))
    assert capsys.readouterr().out == ""


def test_clips_that_all_are_restored_exactly_are_refused_at_the_start(monkeypatch):
    _given(monkeypatch, *np.full((2, 3, 32, 32, 3), 90, np.uint8))
    with pytest.raises(cli.InputError, match="each of the 2 clips exactly"):
        validation.build_validation(_config())


def test_scores_of_other_clips_stay_as_they_are():
    scores = np.array([[[1.0, 2], [3, 4]], [[5, np.inf], [6, 7]]])
    np.testing.assert_array_equal(validation.finite(scores), scores[:1])
    assert len(validation.finite(scores[1:])) == 0
