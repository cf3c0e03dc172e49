"""The blur of a shot by name: known, told, or assumed and said to be."""

import jax
import naming
import numpy as np
import pytest
import small

from adavsr_jax import kernel_estimation, kernels, pixels
from experiments import cli, degradations, estimators, shipped, trained
from experiments.configs import demo

_SHOT = small.clips(1, 4, 48)[0]
_ASSUMED = np.asarray(kernels.gaussian(1.9, 1.9, 0.0))


@pytest.fixture
def ship(tmp_path, monkeypatch):
    """Makes the network that comes with the project give one answer."""
    monkeypatch.setattr(shipped, "_FOLDER", tmp_path)
    return lambda answer: shipped.save(
        "kernel_estimator", naming.config(), naming.params(answer), 1
    )


def test_a_known_kernel_is_that_of_every_shot():
    kernel = np.asarray(kernels.disk(2))
    known = estimators.known(kernel, "a lens")
    for shot in (_SHOT, _SHOT[:1, :2, :3]):
        found = known.estimate(shot)
        np.testing.assert_array_equal(found.kernel, kernel)
        assert found.told == "a lens" and not found.assumed


@pytest.mark.parametrize("name", ["bicubic", "aniso2.4-1.2@45"])
def test_a_kernel_is_chosen_by_its_name(name):
    chosen = estimators.choose(name, "network", None)  # which is not there
    found = chosen.estimate(_SHOT)
    np.testing.assert_array_equal(found.kernel, degradations.load_kernel(name))
    assert chosen.identity == found.told == name and not found.assumed


@pytest.mark.parametrize("name", ["recurrence", "spectrum"])
def test_an_estimator_is_chosen_by_its_name(name):
    chosen = estimators.choose("estimate", name, None)
    assert chosen.identity == name
    found = chosen.estimate(_SHOT)
    kernels.check(found.kernel, name)
    assert found.told.endswith("are assumed") == found.assumed


@pytest.mark.parametrize("ask", [("sharp", "network"), ("estimate", "guess")])
def test_unknown_names_are_refused_with_the_known(ask):
    with pytest.raises(cli.InputError, match=f"unknown .*{'sharp|guess'}.*: .*, "):
        estimators.choose(*ask, None)


def test_no_weights_are_no_network(ship):
    with pytest.raises(cli.InputError, match="kernel_estimator.npz: the weights"):
        estimators.load("network")


def test_what_the_network_is_sure_of_is_told(ship):
    ship(naming.SURE)
    estimator = estimators.load("network")
    found = estimator.estimate(_SHOT)
    expected = kernel_estimation.from_log_cholesky(np.float32(naming.SURE[:3]))
    np.testing.assert_allclose(found.kernel, expected, atol=1e-6)
    assert not found.assumed
    assert found.told == f"{estimators.describe(expected)}, expected error 14%"
    digest = trained.digest(naming.params(naming.SURE))
    assert estimator.identity == f"network {digest}"


@pytest.mark.parametrize(
    "logit, told",
    [
        (4.0, "bicubic (probability 98%)"),
        (1.0, "bicubic (probability 73%), or {}, expected error 14%"),
        (-1.0, "{}, expected error 14%, or bicubic (probability 27%)"),
        (-4.0, "{}, expected error 14%"),
    ],
)
def test_a_bicubic_is_told_with_its_probability(ship, logit, told):
    ship((*naming.SURE[:6], logit))
    found = estimators.load("network").estimate(_SHOT)
    gaussian = kernel_estimation.from_log_cholesky(np.float32(naming.SURE[:3]))
    chance = 1 / (1 + np.exp(-logit))
    mean = gaussian + chance * (kernels.bicubic() - gaussian)
    np.testing.assert_allclose(found.kernel, mean, atol=1e-7)
    assert found.told == told.format(estimators.describe(gaussian))
    assert not found.assumed


@pytest.mark.parametrize("log_error", [0.0, float("nan"), float("inf")])
def test_what_the_network_doubts_is_assumed_and_said_to_be(ship, log_error):
    ship((*naming.SURE[:3], log_error, *naming.SURE[4:]))
    found = estimators.load("network").estimate(_SHOT)
    np.testing.assert_array_equal(found.kernel, _ASSUMED)
    assert found.assumed
    assert found.told.startswith("the blur cannot be told (expected error ")
    assert found.told.endswith(": 1.9 pixels are assumed")


def test_what_is_surely_bicubic_is_told_however_little_is_known_of_widths(ship):
    ship((*naming.SURE[:3], 3.0, *naming.SURE[4:6], 4.0))
    found = estimators.load("network").estimate(_SHOT)
    assert found.told == "bicubic (probability 98%)" and not found.assumed
    assert kernels.error(found.kernel, kernels.bicubic()) < 0.02


@pytest.mark.parametrize("name", estimators.NAMES)
@pytest.mark.parametrize("shape", [(4, 3, 5, 3), (1, 1, 64, 3)])
def test_a_shot_too_small_to_tell_is_assumed_and_said_to_be(ship, name, shape):
    ship(naming.SURE)
    found = estimators.load(name).estimate(np.resize(_SHOT, shape))
    np.testing.assert_array_equal(found.kernel, _ASSUMED)
    assert found.assumed and found.told.endswith(": 1.9 pixels are assumed")


@pytest.mark.parametrize("name", ["recurrence", "spectrum"])
def test_the_middle_of_eight_frames_tells_for_a_long_shot(name):
    shot = np.random.default_rng(0).integers(0, 256, (11, 40, 300, 3), np.uint8)
    estimate = estimators.load(name).estimate
    part = kernel_estimation.seen(shot)
    assert part.shape == (8, 40, 256, 3)
    found, wanted = estimate(shot), estimate(part)
    np.testing.assert_array_equal(found.kernel, wanted.kernel)


@pytest.mark.parametrize("name", ["recurrence", "spectrum"])
def test_a_flat_shot_gets_a_middling_blur(name):
    found = estimators.load(name).estimate(np.full((3, 48, 48, 3), 90, np.uint8))
    s1, s2, _ = kernels.moments(kernels.check(found.kernel, name))
    assert 1 < s2 <= s1 < 3


def test_a_run_is_the_network_that_it_trained(ship, tmp_path):
    ship(naming.SURE)
    run = naming.save(tmp_path / "run", naming.SURE)
    by_run, by_card = estimators.load("network", str(run)), estimators.load("network")
    assert by_run.identity == by_card.identity
    assert by_run.estimate(_SHOT).told == by_card.estimate(_SHOT).told
    other = naming.save(tmp_path / "other", naming.BICUBIC)
    assert estimators.load("network", str(other)).identity != by_card.identity


def test_kernels_are_described_by_widths_and_angle():
    kernel = degradations.load_kernel("aniso2.4-1.2@45")
    assert estimators.describe(kernel) == "2.40 x 1.20 pixels at 45 degrees"


def test_training_is_told_what_the_estimator_says_if_it_asks_for_it(ship):
    ship(naming.SURE)
    config = demo.get_config()
    assert estimators.of_training(config) is None
    config.degradation.relation = "estimated"
    told = jax.jit(estimators.of_training(config))(pixels.to_float(_SHOT))
    expected = estimators.load("network").estimate(_SHOT).kernel
    np.testing.assert_allclose(told, expected, atol=1e-6)
