"""A training run killed at any moment ends as one that was not (`killed.py`)."""

import killed
import pytest


@pytest.mark.slow
def test_a_run_killed_at_two_moments_ends_as_the_undisturbed_one(tmp_path):
    found = list(killed.trials(2, 1, tmp_path))
    assert all(same for _, _, same in found)
    assert sum(alive for _, alive, _ in found) == 2
