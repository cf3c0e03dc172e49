"""What is broken, cut short, or no video: survived and told, or refused in a line."""

import itertools

import av
import numpy as np
import pytest
from footage import encode, noise, read

from adavsr_jax import video
from adavsr_jax.video import decoding


def _damaged(content, share):
    broken = bytearray(content)
    at = int(share * len(broken))
    broken[at : at + 3000] = bytes(3000)
    return bytes(broken)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.mov"])
def test_a_damaged_stretch_is_survived_and_told(tmp_path, name):
    path = tmp_path / name
    codec, pix_fmt = (
        ("prores_ks", "yuv422p10le") if name == "a.mov" else ("libx264", "yuv420p")
    )
    encode(path, noise(60), codec, pix_fmt, options={"g": "10"})
    path.write_bytes(_damaged(path.read_bytes(), 0.5))
    source, frames = read(path)
    assert 40 < len(frames) < 60
    times = [frame.time for frame in frames]
    assert times == sorted(set(times))
    (note,) = source.notes
    assert str(path) in note and "missing" in note


def test_damage_is_told_to_who_does_not_read_to_the_end(tmp_path):
    path = tmp_path / "a.mkv"
    encode(path, noise(60), options={"g": "10"})
    path.write_bytes(_damaged(path.read_bytes(), 0.3))
    with video.open_source(path) as source:
        assert len(list(itertools.islice(source, 30))) == 30
        assert source.damage and not source.notes
        source.conclude()
        (note,) = source.notes
        assert str(path) in note and str(source.damage) in note
    source, _ = read(path)
    before = list(source.notes)
    source.conclude()
    assert source.notes == before  # told once


class _Failing:
    """A container whose disk fails after seven packets."""

    def __init__(self, container):
        self._container = container

    def demux(self, stream):
        yield from itertools.islice(self._container.demux(stream), 7)
        raise av.error.OSError(5, "Input/output error")


def test_a_file_that_fails_midway_gives_what_was_read(tmp_path):
    path, damage = tmp_path / "a.mkv", decoding.Damage()
    encode(path, noise(20), options={"bf": "2"})
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(decoding.frames(_Failing(container), stream, damage))
    assert len(frames) == 7  # those too that waited to be put in order
    assert damage.failed
    assert "stopped before its end (Input/output error)" in str(damage)


def test_whole_clips_must_be_sound(tmp_path):
    path = tmp_path / "a.mp4"
    encode(path, noise(30), options={"g": "10"})
    path.write_bytes(_damaged(path.read_bytes(), 0.5))
    with pytest.raises(ValueError, match="decoding fails"):
        video.read(path)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "tail.mp4"])
def test_a_file_cut_short_gives_what_it_has(tmp_path, name, share):
    path = tmp_path / name
    muxer = {"movflags": "faststart"} if name == "a.mp4" else {}
    encode(path, noise(90), options={"g": "10"}, muxer=muxer)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    if name == "tail.mp4":  # its table of contents was at the end
        with pytest.raises(ValueError, match="not a readable video"):
            video.open_source(path)
        return
    source, frames = read(path)
    assert 0 < len(frames) <= 90 * share + 5
    assert any("cut short" in note for note in source.notes)


def test_flipped_bits_end_in_frames_or_one_line(tmp_path):
    path, random = tmp_path / "a.mp4", np.random.default_rng(1)
    encode(path, noise(12, 16, 16))
    content = path.read_bytes()
    for _ in range(40):
        broken = bytearray(content)
        broken[random.integers(len(broken))] ^= 1 << random.integers(8)
        path.write_bytes(bytes(broken))
        try:
            read(path)
        except (ValueError, OSError) as error:
            assert str(path) in str(error) and "\n" not in str(error)


def test_two_sizes_are_refused(tmp_path):
    for name, clip in (("a", noise(3)), ("b", noise(3, 48, 64))):
        encode(tmp_path / f"{name}.h264", clip)
    path = tmp_path / "c.h264"
    parts = [(tmp_path / f"{name}.h264").read_bytes() for name in "ab"]
    path.write_bytes(b"".join(parts))
    with (
        video.open_source(path) as source,
        pytest.raises(ValueError, match="frame 3 is 64 x 48 but the first is 48 x 32"),
    ):
        list(source)


def _sound(path, cover=False):
    with av.open(str(path), "w") as container:
        if cover:
            still = container.add_stream("mjpeg", rate=1)
            still.height = still.width = 16
            still.pix_fmt = "yuvj420p"
            still.disposition = av.stream.Disposition.attached_pic
        stream = container.add_stream("aac", rate=48000)
        if cover:
            frame = av.VideoFrame.from_ndarray(noise(1, 16, 16)[0]).reformat(
                format="yuvj420p", dst_color_range="JPEG"
            )
            container.mux(still.encode(frame))
            container.mux(still.encode())
        frame = av.AudioFrame.from_ndarray(
            np.zeros((2, 4096), np.float32), format="fltp", layout="stereo"
        )
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_what_is_no_video_is_refused_in_one_line(tmp_path):
    (tmp_path / "text.mp4").write_text("no video at all" * 99)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "folder").mkdir()
    _sound(tmp_path / "sound.mp4")
    _sound(tmp_path / "cover.mp4", cover=True)
    expected = {
        "text.mp4": "not a readable video",
        "empty.mp4": "is empty",
        "folder": "holds no pictures",
        "sound.mp4": "only sound",
        "cover.mp4": "only sound",
        "missing.mp4": "no such file",
    }
    for name, words in expected.items():
        for door in (video.open_source, lambda path: video.frames_near(path, 0.5, 2)):
            with pytest.raises((ValueError, OSError), match=words) as caught:
                door(tmp_path / name)
            assert str(tmp_path / name) in str(caught.value)
            assert "\n" not in str(caught.value)
