"""Numbers of single frames, their means, and what has no bound."""

import json
import math

import numpy as np
import pytest
from goldens import niqe as recipe

from adavsr_jax import kernels, niqe
from experiments import scores

KERNEL = np.asarray(kernels.gaussian(2.0, 1.2, 0.5))
OTHER = np.asarray(kernels.bicubic())
ONE = 20 * np.log10(255**2 / 219)  # dB, where all three channels are off by one


def _lr(truth, kernel=KERNEL):
    return np.stack([np.asarray(scores.reduce(frame, kernel)) for frame in truth[::2]])


def _score(frames, truth, kernel=KERNEL, pristine=None):
    return scores.score(iter(frames), truth, _lr(truth), kernel, pristine)


def _truth():
    """8 frames without values near 0 and 255, so that a change is not clipped."""
    rng = np.random.default_rng(1)
    return 40 + np.stack([recipe.draw(rng)[:32, :32] for _ in range(8)]) // 2


def test_single_frames_average_to_the_means():
    truth = _truth()
    changes = np.random.default_rng(0).integers(-20, 20, truth[:7].shape)
    strength = np.arange(1, 8)[:, None, None, None] / 7
    found = _score((truth[:7] + changes * strength).astype(np.uint8), truth)
    assert found["frames"] == 7 and found["identical"] == 0
    for name in scores.SPLIT:
        frames = found[f"{name}_frames"]
        assert len(set(frames)) == 7
        close = {"rtol": 0, "atol": 1e-6}
        np.testing.assert_allclose(found[name], np.mean(frames), **close)
        given, between = found[f"{name}_given"], found[f"{name}_interpolated"]
        np.testing.assert_allclose(given, np.mean(frames[::2]), **close)
        np.testing.assert_allclose(between, np.mean(frames[1::2]), **close)


def test_given_and_interpolated_frames_are_told_apart():
    truth = np.full((6, 16, 16, 3), 100, np.uint8)
    frames = truth[:5].copy()
    frames[::2] += 1
    frames[1::2] += 10
    found = _score(frames, truth)
    np.testing.assert_allclose(found["psnr_y_given"], ONE)
    np.testing.assert_allclose(found["psnr_y_interpolated"], ONE - 20)
    np.testing.assert_allclose(found["psnr_y"], ONE - 20 * 2 / 5)
    assert found["frames"] == 5 and 0.9 < found["ssim_y"] < 1


def test_frames_without_error_are_counted_and_kept_out_of_the_means():
    truth = _truth()
    frames = truth[:7].copy()
    frames[0] += 1
    frames[4] += 10
    found = _score(frames, truth)
    assert found["frames"] == 7 and found["identical"] == 5
    np.testing.assert_allclose(found["psnr_y"], ONE - 10)
    np.testing.assert_allclose(found["psnr_y_given"], ONE - 10)
    assert found["psnr_y_interpolated"] is None
    assert [value is None for value in found["psnr_y_frames"]] == [
        number not in (0, 4) for number in range(7)
    ]
    # SSIM has a bound, and every frame counts.
    assert found["ssim_y_interpolated"] == 1
    assert found["ssim_y_given"] < 1


def test_the_true_clip_has_no_error_at_all():
    truth = _truth()
    found = _score(truth[:7], truth)
    assert found["identical"] == found["frames"] == 7
    assert found["psnr_y_frames"] == [None] * 7
    names = [name for name in found if name.startswith("psnr_y")]
    assert {found[name] for name in names if name != "psnr_y_frames"} == {None}
    assert found["ssim_y"] == 1 and found["ssim_y_frames"] == [1.0] * 7
    assert found["lr_consistency"] is None


@pytest.mark.parametrize("change", [1, 4, 16])
def test_consistency_is_the_error_of_what_given_frames_reduce_to(change):
    # A blur passes a constant as it is, whatever the kernel.
    truth, frames = _truth(), _truth()[:7]
    frames[2] += change
    expected = ONE - 20 * math.log10(change)
    np.testing.assert_allclose(
        _score(frames, truth)["lr_consistency"], expected, atol=0.02
    )
    between = _truth()[:7]
    between[1::2] += change
    assert _score(between, truth)["lr_consistency"] is None


def test_consistency_is_with_the_true_blur_alone():
    truth = _truth()
    assert 20 < _score(truth[:7], truth, OTHER)["lr_consistency"] < 60


def test_niqe_is_that_of_every_frame_where_there_are_parameters():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 256, (3, 96, 192, 3), np.uint8)
    assert _score(truth, truth)["niqe"] is None
    rows = niqe.features(recipe.draw(rng).astype(np.uint8))
    given = niqe.Pristine(rows.mean(axis=0), np.cov(rows, rowvar=False))
    frames = truth.copy()
    frames[1] = 7  # flat: it has no NIQE
    found = _score(frames, truth, pristine=given)["niqe"]
    np.testing.assert_allclose(found, niqe.niqe(frames[::2], given).mean())


@pytest.mark.parametrize("value", [0, 1])
def test_a_black_clip_has_scores_that_a_file_can_hold(value):
    truth = np.zeros((7, 16, 32, 3), np.uint8)
    found = _score(np.full_like(truth, value), truth)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    if value:
        for name in ("psnr_y", "psnr_y_given", "lr_consistency"):
            np.testing.assert_allclose(found[name], ONE)
        assert found["identical"] == 0
    else:
        assert found["psnr_y"] is None and found["identical"] == 7
        assert found["lr_consistency"] is None and found["ssim_y"] == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, None, 4, math.inf, -math.inf, math.nan], 2.5),
        ([0.0], 0.0),
        ([None, math.inf], None),
        ([], None),
    ],
)
def test_a_mean_is_of_what_is_finite_and_there(values, expected):
    assert scores.mean(iter(values)) == expected
