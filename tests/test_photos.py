"""The camera over stills."""

import numpy as np
import pytest
from PIL import Image

from adavsr_jax import shots
from data_prep import camera, photos


@pytest.mark.parametrize("still", [(60, 60), (61, 200), (150, 90)])
def test_paths_stay_within_the_still_and_never_skip_a_pixel(still):
    for seed in range(20):
        reduction, views = camera.draw(np.random.default_rng(seed), still, 5, 48)
        assert views.shape == (5, 2, 48, 48) and reduction >= 1
        assert views.min() >= 0
        limit = np.floor(np.array(still) / reduction) - 1
        assert np.all(views.max(axis=(0, 2, 3)) <= limit + 1e-4)
        for axis in (2, 3):
            steps = np.linalg.norm(np.diff(views, axis=axis), axis=1)
            assert steps.max() <= 1 + 1e-4


def test_paths_are_smooth_and_move():
    for seed in range(20):
        _, views = camera.draw(np.random.default_rng(seed), (400, 400), 7, 32)
        centre = views[:, :, 15:17, 15:17].mean(axis=(2, 3))
        speed = np.diff(centre, axis=0)
        assert np.linalg.norm(speed, axis=1).mean() > 0.2
        # A constant acceleration: third differences of the pan vanish.
        assert np.abs(np.diff(speed, n=2, axis=0)).max() < 1e-3


def test_looking_straight_gives_the_picture_back():
    photo = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    view = np.stack(np.meshgrid(np.arange(9), np.arange(12), indexing="ij"))
    np.testing.assert_array_equal(photos.render(photo, view[None])[0], photo)


def test_a_wave_moves_by_the_path_to_sub_pixels():
    # Cubic splines keep a wave of 8 pixels to within rounding.
    def wave(columns):
        return 128 + 100 * np.sin(2 * np.pi * columns / 8)

    columns = np.broadcast_to(np.arange(64.0), (20, 64))
    photo = np.rint(np.stack([wave(columns)] * 3, axis=-1)).astype(np.uint8)
    rows, places = np.meshgrid(np.arange(5.0), 20 + np.arange(16.0), indexing="ij")
    moved = np.stack([np.stack([rows + 7.3, places + d]) for d in (0.25, 0.6)])
    frames = photos.render(photo, moved)
    for frame, d in zip(frames, (0.25, 0.6), strict=True):
        assert np.abs(frame[..., 1].astype(float) - wave(places + d)).max() < 2


def _save(path, seed, size):
    noise = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(noise).save(path)


def test_clips_repeat_move_and_leave_out_small_and_flat(tmp_path):
    (tmp_path / "more").mkdir()
    _save(tmp_path / "a.png", 0, (70, 90))
    _save(tmp_path / "more" / "b.png", 1, (64, 64))
    _save(tmp_path / "small.png", 2, (30, 90))
    Image.new("RGB", (90, 90), (9, 9, 9)).save(tmp_path / "flat.png")
    split = photos.read(tmp_path, frames=5, size=32, clips_per_photo=2, seed=3)
    assert len(split.parts) == 4 and sum(split.dropped.values()) == 2
    first, again = (dict(split.clips(split.parts, split.dropped)) for _ in range(2))
    assert list(first) == ["a.png#0", "a.png#1", "more/b.png#0", "more/b.png#1"]
    for clip_id, clip in first.items():
        assert clip.shape == (5, 32, 32, 3) and clip.dtype == np.uint8
        assert not shots.is_static(clip, 0.5)
        np.testing.assert_array_equal(clip, again[clip_id])
    assert np.any(first["a.png#0"] != first["a.png#1"])


def test_reducing_removes_what_the_clip_cannot_carry():
    # Columns alternate between 0 and 255: reduced by two, only grey is left.
    photo = np.zeros((200, 200, 3), np.uint8)
    photo[:, ::2] = 255
    # Away from the border, where half of the filter is cut off.
    views = 10 + camera.draw(np.random.default_rng(0), (80, 80), 2, 40)[1]
    crop, views = photos._cut_out(photo, 2.0, views)
    clip = photos.render(crop, views)
    assert np.abs(clip.astype(float) - 127.5).max() < 2
