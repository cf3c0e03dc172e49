"""A segment is whole or not there; its colours, depth and tags are the source's."""

import dataclasses
import fractions
import os
import pickle
import resource
import signal
import subprocess
import sys

import av
import numpy as np
import pytest

from adavsr_jax import video, yuv
from adavsr_jax.video import kinds

HEIGHT, WIDTH = 48, 64
CODECS = {
    "libx264": ".mp4",
    "libx265": ".mov",
    "libsvtav1": ".mp4",
    "libvpx-vp9": ".webm",
    "prores_ks": ".mov",
    "ffv1": ".mkv",
    "mjpeg": ".mov",
}


def _info(**changes):
    info = kinds.Info(
        height=HEIGHT // 4,
        width=WIDTH // 4,
        bits=8,
        chroma="420",
        colour=kinds.Colour(yuv.BT709, 1, 1, False),
        aspect=fractions.Fraction(1),
        rate=fractions.Fraction(12),
        time_base=fractions.Fraction(1, 12288),
        count=None,
    )
    return dataclasses.replace(info, **changes)


def _form(codec="libx264", suffix=None, **changes):
    path = "a" + (suffix or CODECS[codec])
    return video.choose_format(
        path, _info(**changes), height=HEIGHT, width=WIDTH, codec=codec
    )


def _write(path, form, frames):
    with video.Encoder(path, form) as encoder:
        for frame in frames:
            encoder.write(frame)
    return path


def _moving(frames=5, dtype=np.uint8):
    t, y, x = np.mgrid[:frames, :HEIGHT, :WIDTH].astype(np.float32)
    waves = [np.sin(0.11 * x + 0.3 * t), np.cos(0.13 * y - 0.2 * t), np.sin(0.07 * y)]
    clip = 0.5 + 0.4 * np.stack(waves, axis=-1)
    return (clip * np.iinfo(dtype).max).astype(dtype)


def _planes(frame):
    dtype = np.uint8 if frame.format.components[0].bits == 8 else np.uint16
    for plane in frame.planes:
        codes = np.frombuffer(plane, dtype)
        yield codes.reshape(plane.height, -1)[:, : plane.width]


def _read(path):
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


@pytest.mark.parametrize("bits, top", [(8, 255), (10, 1023), (12, 4095)])
@pytest.mark.parametrize("full_range", [False, True])
def test_extreme_colours_have_the_codes_of_the_standard(bits, top, full_range):
    # BT.709, of rows 0 and 1: black, white, red, blue.
    colours = [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]]
    rgb = np.uint8([colours, colours])
    y, u, v = yuv.planes_from_rgb(rgb, yuv.BT709, bits=bits, full_range=full_range)
    step = 2 ** (bits - 8)
    low, span, swing = (
        (0, top, top) if full_range else (16 * step, 219 * step, 224 * step)
    )
    luma = np.array([0, 1, 0.2126, 0.0722])
    assert np.abs(y[0] - (low + span * luma)).max() <= 0.5
    # Blue is the end of Cb, red of Cr; full range has no code for the very end.
    assert u[0, 3] == min(128 * step + swing // 2 + swing % 2, top)
    assert v[0, 2] == min(128 * step + swing // 2 + swing % 2, top)
    assert (u[0, :2] == 128 * step).all() and (v[0, :2] == 128 * step).all()


def test_chroma_of_a_ramp_lies_on_even_columns_and_between_rows():
    # A linear picture's chroma is linear: every filter reads it off where it lies.
    y, x = np.mgrid[:8, :16]
    ramp = np.zeros((8, 16, 3), np.uint8)
    ramp[..., 2] = 8 * x + 10 * y
    whole = yuv.planes_from_rgb(ramp, yuv.BT709)[1].astype(float)
    left = yuv.planes_from_rgb(ramp, yuv.BT709, chroma="420")[1]
    middle = yuv.planes_from_rgb(ramp, yuv.BT709, chroma="420", centred=True)[1]
    rows = (whole[0::2] + whole[1::2]) / 2
    assert np.abs(left[:, 1:] - rows[:, 2::2]).max() <= 1
    assert np.abs(middle - (rows[:, 0::2] + rows[:, 1::2]) / 2).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("bits", [8, 10])
def test_grey_card_stays_grey(tmp_path, codec, bits, dtype):
    form, _ = _form(codec, bits=bits)
    levels = np.array([0, 1, 16, 77, 128, 235, 254, 255])
    white = np.iinfo(dtype).max
    card = lambda level: np.full((HEIGHT, WIDTH, 3), level * (white // 255), dtype)
    read = _read(_write(tmp_path / "a", form, map(card, levels)))
    for frame, level in zip(read, levels, strict=True):
        y, u, v = (plane.astype(float) for plane in _planes(frame))
        deeper = 2 ** (frame.format.components[0].bits - 8)
        low, span = (0, 255) if form.colour.full_range else (16, 219)
        assert np.abs(y / deeper - (low + level / 255 * span)).max() <= 1
        assert np.abs(u / deeper - 128).max() == np.abs(v / deeper - 128).max() == 0


@pytest.mark.parametrize("codec", CODECS)
def test_frames_come_back_numbered_and_close(tmp_path, codec):
    form, _ = _form(codec, chroma="444", bits=10)
    clip = _moving()
    read = _read(_write(tmp_path / "a", form, clip))
    steps = np.diff([frame.pts * frame.time_base for frame in read])
    assert len(read) == len(clip) and len(set(steps)) == 1
    expected = yuv.planes_from_rgb(
        clip[2], form.colour.matrix, full_range=form.colour.full_range
    )[0]
    luma = next(_planes(read[2])) / 2 ** (read[2].format.components[0].bits - 8)
    assert 10 * np.log10(255**2 / np.mean((luma - expected) ** 2)) > 38


@pytest.mark.parametrize("codec", CODECS)
def test_the_same_frames_give_the_same_bytes(tmp_path, codec):
    form, _ = _form(codec)
    made = set()
    for level in range(8):
        # What memory held before must not show.
        junk = [np.full(size, level, np.uint8) for size in range(1000, 300_000, 9000)]
        del junk
        made.add(_write(tmp_path / "a", form, _moving()).read_bytes())
    assert len(made) == 1


def test_lossless_keeps_every_code_of_ten_bits(tmp_path):
    form, _ = _form("ffv1", chroma="444", bits=10)
    clip = _moving(dtype=np.uint16)
    for frame, rgb in zip(_read(_write(tmp_path / "a", form, clip)), clip, strict=True):
        expected = yuv.planes_from_rgb(rgb, yuv.BT709, bits=10)
        np.testing.assert_array_equal(list(_planes(frame)), expected)


def test_a_segment_is_whole_or_not_there(tmp_path):
    form, _ = _form()
    path = tmp_path / "a"
    with pytest.raises(RuntimeError), video.Encoder(path, form) as encoder:
        encoder.write(_moving()[0])
        raise RuntimeError("the network failed")
    assert list(tmp_path.iterdir()) == []
    encoder = video.Encoder(path, form)
    encoder.write(_moving()[0])
    assert not path.exists()
    assert encoder.close() == 1
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ValueError, match="no frames"):
        video.Encoder(tmp_path / "none", form).close()
    with pytest.raises(ValueError, match="a frame is 9 x 8, expected 64 x 48"):
        _write(tmp_path / "size", form, [np.zeros((8, 9, 3), np.uint8)])
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_encoder_leaves_no_segment(tmp_path):
    script = f"""
import pickle, sys, numpy as np
from adavsr_jax import video
form = pickle.load(open({str(tmp_path / "form")!r}, "rb"))
encoder = video.Encoder({str(tmp_path / "segment")!r}, form)
while True:
    encoder.write(np.zeros(({HEIGHT}, {WIDTH}, 3), np.uint8))
    print("written", flush=True)
"""
    (tmp_path / "form").write_bytes(pickle.dumps(_form()[0]))
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE
    ) as process:
        for _ in range(20):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    assert {p.name for p in tmp_path.iterdir()} == {"form", "segment.tmp"}


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    # A limit on the size of files is the full disk that a test can have.
    form, _ = _form("ffv1")
    noise = np.random.default_rng(0).integers(0, 256, (40, HEIGHT, WIDTH, 3), np.uint8)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(OSError, match="a: could not be written") as caught:
            _write(tmp_path / "a", form, noise)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="could not be written"):
        video.Encoder(tmp_path / "missing" / "a", form)


@pytest.mark.parametrize(
    "codec, source, written, noted",
    [
        (None, {"chroma": "422", "bits": 10}, "yuv422p10le", ""),
        ("h264", {"chroma": "rgb"}, "yuv420p", ""),
        ("hevc", {"chroma": "grey", "bits": 16}, "yuv420p10le", "16 bits a code"),
        ("av1", {"chroma": "444", "bits": 10}, "yuv420p10le", "no chroma 444"),
        ("prores", {"chroma": "420"}, "yuv422p10le", "no chroma 420"),
        ("prores", {"chroma": "444", "bits": 12}, "yuv444p10le", "12 bits"),
        ("mjpeg", {"chroma": "422", "bits": 10}, "yuvj422p", "10 bits a code become 8"),
        ("vp9", {"chroma": "444"}, "yuv444p", ""),
    ],
)
def test_chroma_and_depth_are_the_nearest(codec, source, written, noted):
    form, notes = _form(codec, ".mov" if codec == "prores" else ".mkv", **source)
    assert form.pixel_format == written
    assert noted in " ".join(notes) and bool(notes) == bool(noted)


def test_defaults_of_the_containers():
    assert _form(None, ".webm")[0].codec == "libvpx-vp9"
    assert _form(None, ".webm", bits=10)[0].codec == "libsvtav1"
    form, _ = _form(None, ".m4v")
    assert (form.container, form.codec, form.rate) == ("mp4", "libx264", 24)
    assert form.time_base == fractions.Fraction(1, 24576)


def test_colour_of_pictures_and_of_codecs_that_know_one_only():
    pictures = kinds.Colour(2, 2, 2, True)
    told = _form(chroma="rgb", colour=pictures)[0].colour
    assert told == kinds.Colour(yuv.BT709, 1, 1, False)
    wide = kinds.Colour(2, 9, 16, True)
    told = _form("libx265", chroma="rgb", bits=10, colour=wide)[0].colour
    assert told == kinds.Colour(9, 9, 16, False)
    told = _form("prores_ks", colour=kinds.Colour(5, 5, 6, True))[0].colour
    assert told == kinds.Colour(yuv.BT601, 5, 6, False)


@pytest.mark.parametrize(
    "suffix, changes, words",
    [
        (".avi", {}, "cannot write .avi"),
        ("", {}, "without a suffix"),
        (".mp4", {"codec": "divx"}, "--codec=divx: unknown; use one of h264"),
        (".mp4", {"codec": "prores"}, "cannot hold prores_ks"),
        (".webm", {"codec": "h264"}, "cannot hold libx264"),
        (".mov", {"codec": "av1"}, "cannot hold libsvtav1"),
        (".mkv", {"codec": "ffv1", "crf": 10}, "--crf=10: ffv1 has no crf"),
        (".mkv", {"crf": 52}, "--crf=52: libx264 takes numbers from 0 to 51"),
        (".mkv", {"codec": "av1", "crf": 1.5}, "whole numbers from 0 to 63"),
        (".mkv", {"codec": "vp9", "crf": float("inf")}, "whole numbers from 0 to 63"),
        (".mkv", {"codec": "vp9", "crf": float("nan")}, "whole numbers from 0 to 63"),
        (".mkv", {"width": 63}, "63 x 48; use --size=64x48"),
        (".mkv", {"height": 47}, "64 x 47; use --size=64x48"),
        (".mkv", {"width": 20_000}, "cannot hold libx264, yuv420p, 20000 x 48"),
        (".mkv", {"width": 10**10}, "cannot hold libx264, yuv420p, 10000000000 x 48"),
    ],
)
def test_what_cannot_be_written_is_refused(suffix, changes, words):
    arguments = {"height": HEIGHT, "width": WIDTH} | changes
    with pytest.raises(ValueError, match=words) as caught:
        video.choose_format("a" + suffix, _info(), **arguments)
    assert "\n" not in str(caught.value)


def test_high_dynamic_range_needs_ten_bits():
    hdr = kinds.Colour(9, 9, 16, False)
    with pytest.raises(ValueError, match="high dynamic range.*use libsvtav1"):
        _form("libvpx-vp9", bits=10, colour=hdr)
    form, notes = _form("libx265", bits=10, colour=hdr)
    assert form.colour == hdr and "mastering" in notes[0]
