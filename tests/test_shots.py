"""Cuts and stillness."""

import numpy as np
import pytest
import small

from adavsr_jax import shots


def _scene(seed, num_frames, step=2):
    """A window that pans over smooth blobs of a palette of its own."""
    rng = np.random.default_rng(seed)
    small = rng.uniform(-1, 1, (14, 24, 3))
    big = np.kron(small, np.ones((8, 8, 1)))
    for axis in (0, 1):
        for _ in range(3):
            big = (np.roll(big, 2, axis) + big + np.roll(big, -2, axis)) / 3
    level = rng.uniform(60, 200, 3)
    big = np.clip(level + 60 * big, 0, 255).astype(np.uint8)
    return [big[8:72, i * step : i * step + 96] for i in range(num_frames)]


def test_cuts_are_where_scenes_were_joined():
    lengths, frames = [9, 1, 13, 7], []
    for seed, length in enumerate(lengths):
        frames += _scene(seed, length)
    assert shots.cuts(frames) == [0, 9, 10, 23]


def test_one_scene_is_one_shot():
    for seed in range(6):
        assert shots.cuts(_scene(seed, 20, step=4)) == [0]


@pytest.fixture(name="drawn", scope="module")
def _drawn():
    """Eight clips that move by pixels a frame, fast for frames as small as theirs."""
    return small.clips(8, 7, 40)


@pytest.mark.parametrize("size", [(40, 40), (24, 32)])
@pytest.mark.parametrize("every", [1, 2])
def test_small_frames_that_move_are_one_shot(drawn, size, every):
    for clip in drawn[:, :, : size[0] : every, : size[1] : every]:
        assert shots.cuts(clip) == [0]


@pytest.mark.parametrize("size", [(40, 40), (24, 32)])
def test_cuts_between_small_frames_are_found(drawn, size):
    clips = drawn[:, :, : size[0], : size[1]]
    for first, second in zip(clips, np.roll(clips, 1, axis=0), strict=True):
        assert shots.cuts([*first, *second]) == [0, 7]


def test_chance_in_a_small_histogram_is_no_cut():
    # Each pixel drawn anew from one palette: no two frames alike, no frame a cut.
    for size in (5, 8, 12, 24, 40, 72):
        rng = np.random.default_rng(size)
        for _ in range(6):
            low = rng.integers(0, 160)
            frames = rng.integers(low, low + 60, (20, size, size, 1), np.uint8)
            assert shots.cuts(frames.repeat(3, axis=-1)) == [0]


def test_frames_pass_through_one_at_a_time():
    frames, drawn = _scene(0, 5), []

    def tell():
        for frame in frames:
            drawn.append(frame)
            yield frame

    for count, (frame, _) in enumerate(shots.mark(tell()), start=1):
        assert frame is frames[count - 1]
        assert len(drawn) == count


def test_no_frames_no_shots_and_tiny_frames_do():
    assert shots.cuts([]) == []
    assert shots.cuts([np.zeros((1, 1, 3), np.uint8)] * 3) == [0]
    black, white = np.zeros((2, 3, 3), np.uint8), np.full((2, 3, 3), 255, np.uint8)
    assert shots.cuts([black, black, white]) == [0, 2]


def test_static_is_a_matter_of_the_threshold():
    # Every code value moves by one from frame to frame: the mean difference is 1.
    clip = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones(
        (1, 8, 6, 3), np.uint8
    )
    assert shots.is_static(clip, 1.01)
    assert not shots.is_static(clip, 0.99)
    assert shots.is_static(clip[:, :1, :1], 1.01)
    assert not shots.is_static(clip[:, :1, :1], 0.99)


def test_noise_alone_is_static_and_a_slow_pan_is_not():
    rng = np.random.default_rng(0)
    still = np.stack([_scene(3, 1)[0]] * 7)
    # Rounded noise of sigma 0.6 differs by about 0.6 a pixel, half that in 2 x 2 means.
    noisy = still + np.rint(rng.normal(0, 0.6, still.shape)).astype(np.int8)
    assert shots.is_static(np.clip(noisy, 0, 255).astype(np.uint8), 0.5)
    assert not shots.is_static(np.stack(_scene(3, 7, step=1)), 0.5)


def test_spans_follow_one_another_from_the_first_frame_to_the_last():
    frames = [*_scene(0, 7), *_scene(1, 5)]
    assert shots.spans(frames) == [(0, 7), (7, 12)]
    assert shots.spans([]) == []
