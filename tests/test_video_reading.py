"""Frames as they stream by: exact times, upright, true colours."""

import fractions
import tracemalloc

import av
import numpy as np
import pytest
from footage import NTSC, card, encode, noise, read, tag
from PIL import Image

from adavsr_jax import pictures, video, yuv
from adavsr_jax.video import colour, decoding, turning


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.ts"])
def test_times_of_a_broadcast_rate_are_exact(tmp_path, name):
    encode(tmp_path / name, noise(7))
    source, frames = read(tmp_path / name)
    start = frames[0].time
    assert [f.time - start for f in frames] == [n / NTSC for n in range(7)]
    assert source.info.rate == NTSC
    assert source.notes == []


@pytest.mark.parametrize("name, unit", [("a.mp4", 90000), ("a.mkv", 1000)])
def test_times_of_a_variable_rate_are_those_of_the_file(tmp_path, name, unit):
    times = [900, 4500, 5400, 18000, 18090, 90000]
    encode(tmp_path / name, noise(6), times=times)
    _, frames = read(tmp_path / name)
    expected = [fractions.Fraction(t, 90000) for t in times]
    assert [f.time for f in frames] == [
        fractions.Fraction(round(t * unit), unit) for t in expected
    ]


def test_times_that_are_missing_are_mended_and_told(tmp_path):
    encode(tmp_path / "a.h264", noise(5))  # a bare stream has none
    source, frames = read(tmp_path / "a.h264")
    steps = {b.time - a.time for a, b in zip(frames, frames[1:], strict=False)}
    assert steps == {1 / source.info.rate}
    (note,) = source.notes
    assert "5 of 5 frames had no time" in note


def test_avi_with_frames_out_of_order_starts_at_zero(tmp_path):
    encode(tmp_path / "a.avi", noise(12), options={"bf": "2"})
    source, frames = read(tmp_path / "a.avi")
    assert [f.time for f in frames] == [n / NTSC for n in range(12)]
    assert source.notes == []


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_frames_are_turned_upright(tmp_path, degrees, mirrored):
    clip = np.zeros((2, 32, 64, 3), np.uint8)
    clip[:, :16, :32] = 255  # top left
    clip[:, 16:, :32] = 110

    def prepare(stream):
        stream.set_display_rotation(degrees, hflip=mirrored)
        stream.codec_context.sample_aspect_ratio = fractions.Fraction(4, 3)

    encode(tmp_path / "a.mp4", clip, prepare=prepare)
    source, frames = read(tmp_path / "a.mp4")
    shown = np.rot90(clip[0], degrees // 90)
    shown = shown[:, ::-1] if mirrored else shown
    info = source.info
    assert (info.height, info.width) == frames[0].pixels.shape[:2] == shown.shape[:2]
    assert info.aspect == fractions.Fraction(*((3, 4) if degrees % 180 else (4, 3)))
    assert np.abs(frames[0].pixels.astype(int) - shown).mean() < 4


def test_a_turned_picture_with_unknown_side_data(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    image = np.zeros((16, 32, 3), np.uint8)
    image[:8] = 255
    Image.fromarray(image).save(tmp_path / "a.jpg", exif=exif)
    with av.open(str(tmp_path / "a.jpg")) as container:
        matrix = turning.of_frame(next(container.decode(video=0)))
    upright = turning.upright(image, matrix)
    np.testing.assert_array_equal(upright, np.rot90(image, -1))


@pytest.mark.parametrize(
    "codec, pix_fmt, suffix, chroma, bits",
    [
        ("libx264", "yuv420p10le", "mp4", "420", 10),
        ("libx265", "yuv422p10le", "mkv", "422", 10),
        ("libx265", "yuv444p12le", "mkv", "444", 12),
        ("libsvtav1", "yuv420p10le", "mp4", "420", 10),
        ("libvpx-vp9", "yuv420p", "webm", "420", 8),
        ("prores_ks", "yuv422p10le", "mov", "422", 10),
        ("mjpeg", "yuvj422p", "avi", "422", 8),
        ("ffv1", "yuv420p16le", "mkv", "420", 16),
        ("ffv1", "gray10le", "mkv", "grey", 10),
        ("ffv1", "gbrp12le", "mkv", "rgb", 12),
    ],
)
def test_grey_cards_come_back_within_a_code(
    tmp_path, codec, pix_fmt, suffix, chroma, bits
):
    path, unit = tmp_path / f"a.{suffix}", 1 << (bits - 8)
    planes = len(av.VideoFrame(8, 8, pix_fmt).planes)
    middle = (
        [101 * unit] * 3 if chroma == "rgb" else [101 * unit, 128 * unit, 128 * unit]
    )
    cards = [card(pix_fmt, middle[:planes]) for _ in range(3)]
    encode(path, cards, codec, pix_fmt)
    source, frames = read(path)
    assert (source.info.chroma, source.info.bits) == (chroma, bits)
    dtype, top = (np.uint8, 255) if bits == 8 else (np.uint16, 65535)
    full = chroma in ("rgb", "grey") or pix_fmt.startswith("yuvj")
    low, high = (0, (1 << bits) - 1) if full else (16 * unit, 235 * unit)
    level = top * (101 * unit - low) / (high - low)
    for frame in frames:
        assert frame.pixels.dtype == dtype
        assert np.abs(frame.pixels - level).max() <= top / (high - low) + 0.5


def test_a_picture_with_a_palette_is_exact(tmp_path):
    stills = [Image.fromarray(rgb).quantize(256) for rgb in noise(2, 16, 16)]
    stills[0].save(
        tmp_path / "a.gif", save_all=True, append_images=stills[1:], duration=90
    )
    _, frames = read(tmp_path / "a.gif")
    for frame, still in zip(frames, stills, strict=True):
        np.testing.assert_array_equal(frame.pixels, np.array(still.convert("RGB")))


@pytest.mark.parametrize("pix_fmt", ["yuv444p", "yuv420p10le"])
@pytest.mark.parametrize("matrix", [1, 4, 5, 6, 7, 9])
@pytest.mark.parametrize("color_range", [1, 2])
def test_colour_follows_matrix_and_range(tmp_path, pix_fmt, matrix, color_range):
    bits = 10 if "10" in pix_fmt else 8
    codes = [x << (bits - 8) for x in (90, 100, 170)]
    frame = card(pix_fmt, codes, 16)
    frame.colorspace, frame.color_range = matrix, color_range
    tags = colour.of_frame(frame, "a.mkv")
    assert (tags.matrix, tags.full_range) == (matrix, color_range == 2)
    expected = yuv.to_rgb(
        np.array(codes, np.uint16 if bits > 8 else np.uint8).reshape(3, 1, 1),
        matrix,
        full_range=color_range == 2,
        bits=bits,
    )
    rgb = colour.rgb(frame, tags, bits)
    assert (rgb == expected).all()
    rounded = colour.rgb(frame, tags, 8)
    assert rounded.dtype == np.uint8
    assert np.abs(rounded - expected / (257 if bits > 8 else 1)).max() <= 0.5


@pytest.mark.parametrize("name", ["rgb48le", "gbrp10le", "gbrap12le", "bgra", "rgb24"])
def test_rgb_is_exact(name):
    random = np.random.default_rng(0)
    levels = random.integers(0, 2, (4, 6, 3))  # black and full, which no depth blurs
    deep = name not in ("bgra", "rgb24")
    pixels = (levels * 65535).astype(np.uint16) if deep else levels.astype(np.uint8)
    source = "rgb48le" if deep else "rgb24"
    if name.startswith("gb"):
        bits = 10 if "10" in name else 12
        codes = np.full((4, 6, 4 if "a" in name else 3), (1 << bits) - 1, np.uint16)
        codes[..., :3] *= levels.astype(np.uint16)
        frame = av.VideoFrame.from_ndarray(codes, format=name)
    else:
        frame = av.VideoFrame.from_ndarray(pixels, format=source).reformat(format=name)
    tags = colour.of_frame(frame, "a.mkv")
    assert tags.full_range
    read = colour.rgb(frame, tags, 16 if deep else 8)
    np.testing.assert_array_equal(read, pixels)


def test_unknown_matrices_are_refused_by_name(tmp_path):
    for matrix, name in ((14, "ICtCp"), (8, "YCgCo"), (10, "constant luminance")):
        path = tmp_path / f"{matrix}.mkv"
        encode(path, noise(2), "libx265", prepare=tag(colorspace=matrix))
        with pytest.raises(ValueError, match=name) as caught:
            video.open_source(path)
        assert str(path) in str(caught.value) and "convert" in str(caught.value)


def test_hdr_is_read_and_told(tmp_path):
    path = tmp_path / "a.mkv"
    tags = {"colorspace": 9, "color_primaries": 9, "color_trc": 16, "color_range": 1}
    encode(path, noise(2), "libx265", "yuv420p10le", prepare=tag(**tags))
    source, _ = read(path)
    assert source.info.colour == video.Colour(9, 9, 16, False)


@pytest.mark.parametrize("name", ["a:b.mkv", "100%d.mkv", "-i ä.mkv"])
def test_names_are_only_names(tmp_path, name):
    encode(tmp_path / "a.mkv", noise(2))
    (tmp_path / "a.mkv").rename(tmp_path / name)
    assert len(read(tmp_path / name)[1]) == 2


@pytest.mark.parametrize("height, width", [(2, 2), (15, 17), (1, 1)])
def test_small_and_odd_sizes(tmp_path, height, width):
    encode(tmp_path / "a.mkv", noise(2, height, width), "ffv1")
    source, frames = read(tmp_path / "a.mkv")
    assert frames[1].pixels.shape == (height, width, 3)
    assert (source.info.height, source.info.width) == (height, width)


def test_memory_does_not_grow_with_length(tmp_path):
    frame_bytes = 96 * 128 * 3

    def peak(count):
        encode(tmp_path / "a.mkv", noise(count, 96, 128), "mjpeg", "yuvj420p")
        tracemalloc.start()
        with video.open_source(tmp_path / "a.mkv") as source:
            assert sum(1 for _ in source) == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(60) < peak(10) + 2 * frame_bytes


class _Counted:
    """A container that counts the packets taken from it."""

    def __init__(self, container):
        self._container, self.taken = container, 0

    def __getattr__(self, name):
        return getattr(self._container, name)

    def demux(self, stream):
        for packet in self._container.demux(stream):
            self.taken += 1
            yield packet


def test_frames_are_decoded_when_they_are_asked_for(tmp_path, monkeypatch):
    """FFmpeg's own memory is not seen above: frames held there are packets taken."""
    encode(tmp_path / "a.mkv", noise(20), "ffv1")  # a packet a frame, nothing held
    counted = _Counted(decoding.open_container(tmp_path / "a.mkv"))
    monkeypatch.setattr(decoding, "open_container", lambda path: counted)
    with video.open_source(tmp_path / "a.mkv") as source:
        ahead = [counted.taken - given for given, _ in enumerate(source, 1)]
    assert ahead == [0] * 20


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.h264"])
def test_frames_near_a_place(tmp_path, name):
    clip = np.repeat(np.arange(0, 250, 5, dtype=np.uint8), 16 * 16 * 3)
    path = tmp_path / name
    encode(path, clip.reshape(50, 16, 16, 3), options={"g": "10", "sc_threshold": "0"})
    near = video.frames_near(path, 0.5, 3)
    levels = [int(frame.mean().round()) for frame in near]
    first = 0 if name == "a.h264" else 100  # frame 20, the keyframe before frame 25
    assert np.abs(np.array(levels) - (first + 5 * np.arange(3))).max() <= 2
    assert len(video.frames_near(path, 1.0, 99)) >= 1


def test_a_folder_is_a_source_too(tmp_path):
    clip = noise(5, 4, 6)
    pictures.write(tmp_path / "a", clip)
    source, frames = read(tmp_path / "a")
    assert source.info.count == 5
    assert source.info.rate == video.FOLDER_RATE
    assert [f.time for f in frames] == [n / video.FOLDER_RATE for n in range(5)]
    np.testing.assert_array_equal([f.pixels for f in frames], clip)
    near = video.frames_near(tmp_path / "a", 0.5, 2)
    np.testing.assert_array_equal(near, clip[2:4])


def test_a_closed_source_gives_no_more(tmp_path):
    encode(tmp_path / "a.mkv", noise(5))
    with video.open_source(tmp_path / "a.mkv") as source:
        next(iter(source))
    assert list(source) == []
