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


def test_frames_pass_through_with_a_bounded_look_ahead():
    frames, drawn = _scene(0, 12), []

    def tell():
        for frame in frames:
            drawn.append(frame)
            yield frame

    for count, (frame, _) in enumerate(shots.mark(tell()), start=1):
        assert frame is frames[count - 1]
        assert len(drawn) == min(len(frames), count + shots.LOOK_AHEAD)
    assert count == len(frames)


def _weighed(frames, weights, other=0):
    """`w * frame + (1 - w) * other`, rounded."""
    pairs = zip(frames, weights, np.broadcast_to(other, np.shape(frames)), strict=True)
    return [np.rint(w * f + (1 - w) * o).astype(np.uint8) for f, w, o in pairs]


@pytest.mark.parametrize("length", [4, 7, 12, 30])
@pytest.mark.parametrize("level", [0, 255])
def test_fades_out_and_in_are_no_cuts(length, level):
    down = np.linspace(1, 0, length + 1)[1:]
    for seed in range(4):
        first, second = _scene(seed, 8 + length, 1), _scene(seed + 9, 8 + length, 1)
        frames = [
            *_weighed(first, [*np.ones(8), *down], level),
            *[np.full_like(first[0], level)] * 3,
            *_weighed(second, [*down[::-1], *np.ones(8)], level),
        ]
        assert shots.cuts(frames) == [0]


@pytest.mark.parametrize("length", [4, 7, 12, 30])
def test_cross_fades_are_no_cuts(length):
    weights = [*np.ones(8), *np.linspace(1, 0, length + 2)[1:-1], *np.zeros(8)]
    for seed in range(4):
        scenes = [_scene(seed + n, 16 + length, 1) for n in (0, 9)]
        assert shots.cuts(_weighed(scenes[0], weights, scenes[1])) == [0]


def test_a_cut_with_one_blended_frame_is_one_cut():
    weights = [*np.ones(8), 0.5, *np.zeros(8)]
    for seed in range(4):
        scenes = [_scene(seed + n, 17) for n in (0, 9)]
        assert shots.cuts(_weighed(scenes[0], weights, scenes[1])) == [0, 8]


def _lit(frame, kind):
    lit = {"white": 0 * frame + 255.0, "washed": 255 - 0.2 * (255.0 - frame)}
    lit |= {"exposed": 3.0 * frame + 40, "black": 0.0 * frame}
    return np.clip(lit[kind], 0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", ["white", "washed", "exposed", "black"])
@pytest.mark.parametrize("length", [1, 2, 3])
def test_flashes_and_strobes_are_no_cuts(kind, length):
    for seed in range(4):
        frames = _scene(seed, 24)
        for start in (5, 5 + 2 * length, 18):
            for index in range(start, start + length):
                frames[index] = _lit(frames[index], kind)
        assert shots.cuts(frames) == [0]


@pytest.mark.parametrize("kind", ["white", "washed", "exposed"])
@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("side", ["before", "behind"])
def test_a_flash_at_a_cut_hides_no_cut_and_makes_none(kind, length, side):
    for seed in range(4):
        frames = _scene(seed, 9) + _scene(seed + 9, 9)
        start = 9 - length if side == "before" else 9
        for index in range(start, start + length):
            frames[index] = _lit(frames[index], kind)
        (first, cut) = shots.cuts(frames)
        assert first == 0 and cut in (start, start + length)


def test_a_flash_near_a_cut_leaves_the_cut_where_it_is():
    for gap in (2, 3, 4):
        for at in (8 - gap, 8 + gap):
            frames = _scene(1, 9) + _scene(10, 9)
            frames[at] = _lit(frames[at], "white")
            assert shots.cuts(frames) == [0, 9]


@pytest.mark.parametrize("length", [1, 2, 3])
def test_another_picture_put_in_is_a_shot(length):
    frames = _scene(1, 8) + _scene(10, length) + _scene(1, 8)
    assert shots.cuts(frames) == [0, 8, 8 + length]


def test_shots_of_one_frame_to_three():
    lengths, frames = [6, 1, 2, 3, 1, 1, 2, 6], []
    # Scenes far apart: in a row of cuts the nearer ones are taken for fast motion.
    for seed, length in zip(range(15, 23), lengths, strict=True):
        frames += _scene(seed, length)
    assert shots.cuts(frames) == [0, *np.cumsum(lengths)[:-1]]


def test_cuts_in_the_dark_and_without_colour():
    for dim in (0.15, 0.5):
        frames = [
            (dim * f.mean(axis=-1, keepdims=True)).astype(np.uint8).repeat(3, -1)
            for seed in range(4)
            for f in _scene(seed, 6)
        ]
        assert shots.cuts(frames) == [0, 6, 12, 18]


def test_deep_frames_are_cut_as_shallow_ones():
    shallow = _scene(0, 6) + _scene(1, 6)
    shallow[3] = _lit(shallow[3], "exposed")
    deep = [frame.astype(np.uint16) * 257 for frame in shallow]
    assert shots.cuts(deep) == shots.cuts(shallow) == [0, 6]


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
