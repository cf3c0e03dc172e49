"""Every way of a row: what it restores from, how many frames, of what size."""

import dataclasses

import jax
import numpy as np
import pytest
import small
import untrained

from adavsr_jax import degradation, kernels, metrics, pixels, resampling, video
from experiments import cli, rows

pytestmark = pytest.mark.slow  # compiles all the ways
BOUND = 2  # config.internal.steps
KERNEL = np.asarray(kernels.gaussian(3, 3, 0))
TOLD = {"oracle": KERNEL, "bicubic": np.asarray(kernels.bicubic())}
STEPS = [3, 0, "auto", 1]


@pytest.fixture(scope="module")
def lr():
    """uint8 `[4, 8, 32, 3]`: wide enough that some of it is held out."""
    left, right = small.clips(2, 7, 64)
    return rows.degrade(np.concatenate([left, right], axis=2)[:, :32], KERNEL)


@pytest.fixture(scope="module")
def weights():
    """Untrained ones that change what is restored by a few code values."""
    weights = untrained.weights()
    config = weights.config.copy_and_resolve_references()
    config.internal.steps = BOUND
    params = jax.tree.map(lambda leaf: 0.3 * leaf, weights.params)
    return dataclasses.replace(weights, config=config, params=params)


@pytest.fixture(scope="module")
def found(weights, lr):
    """`{way: [(row, its frames)]}`, of all ways."""
    ways = {
        "trilinear": rows.trilinear(lr, list(TOLD)),
        "adapted": rows.adapted(weights, lr, TOLD, STEPS),
        "consistent": rows.consistent(weights, lr, TOLD, STEPS),
        "scratch": rows.scratch(weights, lr, TOLD, STEPS),
        "ssr_first": rows.ssr_first(weights, lr, TOLD, STEPS),
    }
    return {
        way: [(row, _frames(row, 0, 4)) for row in found] for way, found in ways.items()
    }


def _frames(row, first, given):
    return np.stack(list(row.restorer(first, given)))


def _of(pairs):
    return {(*row.modes, row.steps): frames for row, frames in pairs}


def _gap(first, second):
    return np.abs(first.astype(int) - second.astype(int)).max()


def test_every_way_gives_all_frames_of_any_window_at_four_times_the_size(found):
    for pairs in found.values():
        windows = [frames for _, frames in pairs]
        windows.append(_frames(pairs[-1][0], 1, 3))
        for frames, count in zip(windows, [7] * len(pairs) + [5], strict=True):
            assert frames.shape == (count, 32, 128, 3) and frames.dtype == np.uint8


def test_every_way_stands_for_each_mode_and_says_its_steps(found):
    asked = {way: [(*r.modes, r.steps) for r, _ in found[way]] for way in found}
    every = [(mode, count) for mode in TOLD for count in STEPS]
    assert sorted(asked["adapted"], key=str) == sorted(every, key=str)
    assert asked["consistent"] == asked["adapted"]
    assert asked["scratch"] == [(mode, max(3, 0, 1)) for mode in TOLD]
    assert asked["ssr_first"] == [(mode, 0) for mode in TOLD]
    assert asked["trilinear"] == [(*TOLD, 0)]
    for pairs in found.values():
        assert all(row.taken == row.steps for row, _ in pairs if row.steps != "auto")


def test_adaptation_starts_from_the_trained_weights_for_each_mode(weights, lr, found):
    frames = _of(found["adapted"])
    plain = np.stack(list(weights.restore(weights.params, lr, KERNEL)))
    for mode, kernel in TOLD.items():
        np.testing.assert_array_equal(frames[mode, 0], plain)
        learned = weights.adapt(weights.params, lr, kernel, max(3, 0, 1))
        for count in (1, 3):
            params = _at(learned.trajectory, count)
            expected = np.stack(list(weights.restore(params, lr, kernel)))
            np.testing.assert_array_equal(frames[mode, count], expected)
            assert (expected != plain).any()
    assert (frames["oracle", 3] != frames["bicubic", 3]).any()


def test_auto_takes_what_held_out_patches_choose_and_no_more_than_its_bound(
    weights, lr, found
):
    beyond = 0
    for row, frames in found["adapted"]:
        if row.steps != "auto":
            continue
        learned = weights.adapt(weights.params, lr, TOLD[row.modes[0]], 3)
        errors = np.asarray(learned.held_out)
        assert row.taken == np.argmin(errors[: BOUND + 1]) <= BOUND
        beyond += np.argmin(errors) > BOUND
        params = _at(learned.trajectory, row.taken)
        expected = np.stack(list(weights.restore(params, lr, KERNEL)))
        np.testing.assert_array_equal(frames, expected)
    assert beyond  # without the bound there would have been more


def test_only_the_whole_of_an_adaptation_is_timed(found):
    for row, _ in found["adapted"]:
        assert (row.adapt_seconds is not None) == (row.steps in (3, "auto"))


def test_given_frames_become_consistent_and_those_between_stay(lr, found):
    plain, nearer = _of(found["adapted"]), _of(found["consistent"])
    for count in STEPS:
        before, after = plain["oracle", count], nearer["oracle", count]
        # Compiled apart: a value may round the other way.
        assert _gap(before[1::2], after[1::2]) <= 1
        assert _consistency(after, lr) > _consistency(before, lr) + 6


def _consistency(frames, lr):
    again = degradation.blur_and_reduce(pixels.to_float(frames[::2]), KERNEL)
    return metrics.psnr_y(np.asarray(pixels.to_uint8(again)), lr).mean()


def test_scratch_learns_from_the_blur_that_it_is_told(weights, lr, found):
    frames = _of(found["scratch"])
    assert (frames["oracle", 3] != frames["bicubic", 3]).any()
    params, losses = weights.scratch(lr, KERNEL, 3)
    assert losses[-1] < losses[0]
    expected = np.stack(list(weights.restore(params, lr, KERNEL)))
    np.testing.assert_array_equal(frames["oracle", 3], expected)


def test_with_networks_that_add_nothing_the_order_does_not_matter(weights, lr, found):
    nothing = jax.tree.map(np.zeros_like, weights.params)
    exact = resampling.upsample(resampling.interpolate_bicubic(pixels.to_float(lr)))
    for restore in (weights.restore, weights.restore_ssr_first):
        frames = np.stack(list(restore(nothing, lr, KERNEL)))
        assert _gap(frames, np.asarray(pixels.to_uint8(exact))) <= 1
    # With others it does.
    assert _gap(_of(found["ssr_first"])["oracle", 0], found["adapted"][1][1]) > 1


def test_predictions_are_cut_as_the_windows_are(tmp_path, lr):
    truth = small.clips(1, 7, 32)[0]
    video.write(tmp_path / "a", truth, 25)
    (row,) = rows.predictions(tmp_path / "a", truth, list(TOLD))
    assert (row.modes, row.steps, row.taken) == (list(TOLD), 0, 0)
    np.testing.assert_array_equal(_frames(row, 0, 4), truth)
    np.testing.assert_array_equal(_frames(row, 1, 2), truth[2:5])


@pytest.mark.parametrize("count", [7, 8])
@pytest.mark.parametrize("more", [-1, 1])
def test_predictions_with_a_frame_more_or_less_are_refused(tmp_path, count, more):
    truth = np.zeros((count, 16, 32, 3), np.uint8)
    video.write(tmp_path / "a", truth[:1].repeat(7 + more, axis=0), 25)
    expected = f"a: {7 + more} frames of 16 x 32, expected 7 frames of 16 x 32"
    with pytest.raises(cli.InputError, match=expected):
        list(rows.predictions(tmp_path / "a", truth, ["oracle"]))


def test_predictions_are_found_as_folders_and_as_videos(tmp_path):
    frames = np.zeros((2, 16, 16, 3), np.uint8)
    for name in ("a", "b.mkv", "c.webm"):
        video.write(tmp_path / name, frames, 25)
    (tmp_path / "d").mkdir()
    for name in ("a", "b.mkv", "c.webm"):
        found = rows.find_prediction(tmp_path, name.partition(".")[0])
        assert found == tmp_path / name
    for name in ("d", "b.mkv", "e"):
        with pytest.raises(cli.InputError, match=f"holds no {name}, folder or video"):
            rows.find_prediction(tmp_path, name)


def _at(tree, index):
    return jax.tree.map(lambda leaf: leaf[index], tree)
