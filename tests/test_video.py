"""Files in, the same frames out; colours that do not drift; nothing half-written."""

import fractions

import av
import numpy as np
import pytest
from PIL import Image

from adavsr_jax import pictures, video, yuv


def _smooth_clip(frames=5, height=48, width=64):
    """A moving, coloured wave: what a codec keeps well. `uint8 [T, H, W, 3]`."""
    t, y, x = np.mgrid[:frames, :height, :width].astype(np.float32)
    phases = [np.sin(0.11 * x + 0.3 * t), np.cos(0.13 * y - 0.2 * t), np.sin(0.07 * y)]
    return np.stack([127.5 + 100 * p for p in phases], axis=-1).astype(np.uint8)


def _noise_clip(frames=3, height=5, width=7):
    random = np.random.default_rng(0)
    return random.integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


def _encode(path, frames, codec="libx264", pix_fmt="yuv420p", matrix=None, **tags):
    """A file with the colour tags of the test's own choice; planes from swscale.

    `matrix` is that of the planes; by default the one of the tags.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        for rgb in frames:
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            target = {
                "dst_colorspace": matrix or tags.get("colorspace"),
                "dst_color_range": tags.get("color_range"),
            }
            container.mux(stream.encode(frame.reformat(format=pix_fmt, **target)))
        container.mux(stream.encode())


def test_folder_of_pictures_is_exact(tmp_path):
    clip = _noise_clip()
    assert video.write(tmp_path / "deep" / "out", clip, fractions.Fraction(5)) == 3
    read = video.read(tmp_path / "deep" / "out")
    np.testing.assert_array_equal(read.frames, clip)
    assert read.rate == video.FOLDER_RATE


def test_lossless_rgb_video_is_exact(tmp_path):
    clip = _noise_clip(height=6, width=8)
    _encode(tmp_path / "a.mkv", clip, codec="ffv1", pix_fmt="bgr0")
    np.testing.assert_array_equal(video.read(tmp_path / "a.mkv").frames, clip)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_video_keeps_frames_rate_and_tags(tmp_path, suffix):
    clip, path = _smooth_clip(), tmp_path / f"a{suffix}"
    rate = fractions.Fraction(48000, 1001)
    video.write(path, iter(clip), rate)
    read = video.read(path)
    assert read.frames.shape == clip.shape
    assert abs(read.rate / rate - 1) < 1e-3  # .mkv and .webm count milliseconds
    assert read.notes == ()
    error = np.mean((read.frames.astype(float) - clip) ** 2)
    assert 10 * np.log10(255**2 / error) > 36
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    assert (frame.colorspace, frame.color_range) == (yuv.BT709, 1)


@pytest.mark.parametrize("level", [0, 1, 16, 128, 235, 255])
def test_grey_card_stays_grey(tmp_path, level):
    card = np.full((2, 32, 32, 3), level, np.uint8)
    video.write(tmp_path / "a.mp4", card, fractions.Fraction(10))
    read = video.read(tmp_path / "a.mp4").frames.astype(int)
    assert np.abs(read - level).max() <= 1


@pytest.mark.parametrize("matrix", sorted(yuv.LUMA))
def test_matrices_invert_within_rounding(matrix):
    rgb = _noise_clip()[0]
    back = yuv.to_rgb(yuv.planes_from_rgb(rgb, matrix), matrix, full_range=False)
    # Rounding Y, Cb, Cr by half a code moves a colour by at most this.
    assert np.abs(back.astype(int) - rgb).max() <= 2


@pytest.mark.parametrize(
    "height, tags",
    [
        (64, {"colorspace": 1, "color_range": 1}),
        (64, {"colorspace": 5, "color_range": 1}),
        (64, {"colorspace": 1, "color_range": 2}),
        (64, {"pix_fmt": "yuv420p10le", "colorspace": 1, "color_range": 1}),
        (64, {"pix_fmt": "yuv420p10le", "colorspace": 1, "color_range": 2}),
        (64, {}),  # untagged and small: swscale made it, and we read it, as BT.601
        (720, {"matrix": 1}),  # untagged and large: BT.709
    ],
)
def test_saturated_colour_follows_the_tags(tmp_path, height, tags):
    red = np.tile(np.uint8([200, 30, 60]), (2, height, 64, 1))
    _encode(tmp_path / "a.mp4", red, **tags)
    read = video.read(tmp_path / "a.mp4").frames.astype(int)
    assert np.abs(read - red).max() <= 4
    # The wrong matrix would be off by more than a dozen.


def test_rotation_tag_turns_frames_upright(tmp_path):
    path = tmp_path / "a.mp4"
    clip = _smooth_clip(2, 32, 64)
    video.write(path, clip, fractions.Fraction(10))
    content = bytearray(path.read_bytes())
    # The track header's display matrix, 40 bytes behind its name: turn clockwise.
    at = content.index(b"tkhd") + 4 + 40
    one = 1 << 16
    quarter = [0, one, 0, -one & 0xFFFFFFFF, 0, 0, 0, 0, 1 << 30]
    content[at : at + 36] = np.array(quarter, ">u4").tobytes()
    path.write_bytes(bytes(content))
    upright = np.rot90(clip[0], -1)
    read = video.read(path).frames[0]
    assert read.shape == (64, 32, 3)
    assert np.abs(read.astype(int) - upright).mean() < 4


def test_pictures_come_in_natural_order(tmp_path):
    for level in (10, 2, 1):
        image = Image.new("L", (4, 4), level)  # grey on disk
        image.save(tmp_path / f"f{level}.png")
    levels = [int(frame[0, 0, 0]) for frame in video.frames(tmp_path)]
    assert levels == [1, 2, 10]


def test_media_are_known_by_what_they_hold(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.mkv").touch()
    (tmp_path / "a.txt").touch()
    (tmp_path / "._a.mkv").touch()
    pictures.write(tmp_path / "clip", _noise_clip())
    (tmp_path / "clip" / "._000000.png").touch()
    assert len(list(video.frames(tmp_path / "clip"))) == 3
    told = {p.name: video.is_media(p) for p in tmp_path.iterdir()}
    assert told == {
        "empty": False,
        "a.mkv": True,
        "a.txt": False,
        "._a.mkv": False,
        "clip": True,
    }
    assert not video.is_media(tmp_path / "missing")


def test_shortened_video_is_noted(tmp_path):
    path = tmp_path / "a.mkv"
    random = np.random.default_rng(0)
    clip = random.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    _encode(path, clip)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    read = video.read(path)
    assert len(read.frames) < 35
    (note,) = read.notes
    assert "cut short" in note and str(len(read.frames)) in note


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_title_in_an_old_encoding_does_no_harm(tmp_path, name):
    path = tmp_path / name
    video.write(path, _smooth_clip(2), fractions.Fraction(10))
    content = path.read_bytes()
    assert b"Lavf" in content  # FFmpeg signs its files
    path.write_bytes(content.replace(b"Lavf", b"L\xe4vf"))
    assert len(video.read(path).frames) == 2


def _unreadable(folder):
    """Name -> what its line must say."""
    (folder / "text.mp4").write_text("no video at all" * 99)
    (folder / "none").mkdir()
    pictures.write(folder / "sizes", _noise_clip())
    Image.new("RGB", (9, 9)).save(folder / "sizes" / "a.png")
    (folder / "torn").mkdir()
    (folder / "torn" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "bomb").mkdir()
    Image.new("RGB", (4, 4)).save(folder / "bomb" / "0.bmp")
    content = bytearray((folder / "bomb" / "0.bmp").read_bytes())
    content[18:26] = 2 * (1 << 16).to_bytes(4, "little")  # width and height
    (folder / "bomb" / "0.bmp").write_bytes(bytes(content))
    return {
        "text.mp4": "not a readable video",
        "none": "holds no pictures",
        "sizes": "a.png: is 9 x 9 but 000000.png is 7 x 5",
        "torn": "not a readable picture",
        "bomb": "not a readable picture",
        "missing.mp4": "no such file",
    }


def test_unreadable_input_is_named(tmp_path):
    for name, words in _unreadable(tmp_path).items():
        with pytest.raises((ValueError, FileNotFoundError), match=words) as caught:
            video.read(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize("name", ["a.mp4", "a"])
def test_nothing_half_written_stays(tmp_path, name):
    def broken():
        yield np.zeros((8, 8, 3), np.uint8)
        raise RuntimeError("the network failed")

    with pytest.raises(RuntimeError):
        video.write(tmp_path / name, broken(), fractions.Fraction(5))
    assert list(tmp_path.iterdir()) == []


def test_outputs_that_cannot_be_written_are_refused(tmp_path):
    frames, rate = _noise_clip(), fractions.Fraction(5)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    (tmp_path / "file").touch()
    (tmp_path / "new.part").mkdir()
    (tmp_path / "new.part" / "thesis.txt").touch()
    refused = {
        "a.gif": "cannot write .gif",
        "mine": "not numbered frames",
        "file": "is a file",
        "file/below.mp4": "is not a folder",
        "odd.mp4": "even sizes",
        "new": "new.part: is in the way",
    }
    for name, words in refused.items():
        with pytest.raises((ValueError, OSError), match=words):
            video.write(tmp_path / name, frames, rate, overwrite=True)
    assert {p.name for p in tmp_path.iterdir()} == {"mine", "file", "new.part"}
    assert (tmp_path / "new.part" / "thesis.txt").exists()


@pytest.mark.parametrize("name", ["a.mp4", "a"])
def test_replacing_needs_leave(tmp_path, name):
    path, rate = tmp_path / name, fractions.Fraction(5)
    video.write(path, _smooth_clip(4), rate)
    with pytest.raises(ValueError, match="--overwrite"):
        video.check_output(path)
    video.write(path, _smooth_clip(2), rate, overwrite=True)
    assert len(video.read(path).frames) == 2
