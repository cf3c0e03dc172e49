"""Every codec and container in, with sound, steady or not: checked by PyAV alone."""

import dataclasses
import fractions
import io
import pathlib

import av
import jax
import numpy as np
import odd_inputs
import pytest
import untrained

from adavsr_jax import kernels, pictures, video
from experiments import estimators, streaming

F = fractions.Fraction
# Close to the bicubic: what is dark stays dark.
_CALM = dataclasses.replace(
    untrained.weights(),
    params=jax.tree.map(lambda leaf: leaf / 20, untrained.weights().params),
)
_KNOWN = estimators.known(np.asarray(kernels.bicubic()), "known")
# Two scenes of a phone's frames: no two steps alike.
_STEPS = np.random.default_rng(3).integers(15, 60, 24)
_CUT = 14


def _scenes():
    """24 frames, `uint8 [48, 64, 3]`: dark ones, and from `_CUT` on bright ones."""
    clip = odd_inputs.clip(24)
    other = clip[_CUT:, ::-1, :, ::-1].repeat(2, axis=2)[:, :, :64]
    return np.concatenate([clip[:_CUT] // 4, 190 + other // 4])


def _given(path, codec, pix_fmt, steady):
    """A file with the scenes and a tone; its frames' times in milliseconds."""
    times = 40 * np.arange(24) if steady else np.cumsum(_STEPS) - _STEPS[0]
    sound = {".webm": "libopus", ".mkv": "flac", ".mov": "pcm_s16le"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, pix_fmt
        stream.codec_context.time_base = F(1, 1000)
        tone = container.add_stream(sound.get(path.suffix, "aac"), rate=48000)
        tone.codec_context.layout = "mono"
        for rgb, moment in zip(_scenes(), times, strict=True):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame = frame.reformat(format=pix_fmt)
            frame.pts, frame.time_base = int(moment), F(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        odd_inputs.write_tone(container, tone, float(times[-1] + 40) / 1000)
    return path


def _pictures(path):
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [f.pts * f.time_base for f in frames], [
        f.to_ndarray(format="rgb24") for f in frames
    ]


def _sound(path):
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        return b"".join(map(bytes, packets)), packets[0].pts * packets[0].time_base


@pytest.mark.parametrize("steady", [True, False])
@pytest.mark.parametrize(
    "given, codec, pix_fmt, made",
    [
        (".mp4", "libx264", "yuv420p", ".mp4"),
        (".mp4", "libx265", "yuv420p10le", ".mkv"),
        (".mkv", "libx264", "yuv444p", ".mkv"),
        (".mov", "prores_ks", "yuv422p10le", ".mov"),
        (".mov", "mjpeg", "yuvj420p", ".mov"),
        (".webm", "libvpx-vp9", "yuv420p", ".webm"),
        (".mp4", "libsvtav1", "yuv420p10le", ".mp4"),
        (".mkv", "ffv1", "bgr0", ".mkv"),
    ],
)
def test_counts_times_and_sound(tmp_path, given, codec, pix_fmt, made, steady):
    source = _given(tmp_path / f"in{given}", codec, pix_fmt, steady)
    output = tmp_path / f"out{made}"
    told = io.StringIO()
    request = streaming.Request(source, output, steps=0)
    assert streaming.restore(request, _CALM, _KNOWN, told) == 47
    assert "shot 2, from frame 14" in told.getvalue()
    before, after = _pictures(source)[0], _pictures(output)
    assert len(before) == 24 and len(after[0]) == 47
    expected = [before[0]]
    for sooner, later in zip(before, before[1:], strict=False):
        expected += [(sooner + later) / 2, later]
    moved = after[0][0] - before[0]
    # Matroska and WebM round to milliseconds.
    unit = F(1, 1000) if made in (".mkv", ".webm") else 0
    for found, wanted in zip(after[0], expected, strict=True):
        assert abs(found - wanted - moved) <= unit
    assert _sound(output)[0] == _sound(source)[0]
    drift = _sound(output)[1] - _sound(source)[1] - moved
    assert abs(drift) <= F(1, 1000)
    # Nothing is made across the cut: before it dark, from it on bright.
    tones = [frame.mean() for frame in after[1]]
    assert max(tones[: 2 * _CUT]) < 128 < min(tones[2 * _CUT :])


def test_a_colon_in_a_name_is_a_colon(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where a path does not begin with a slash
    source = _given(tmp_path / "in.mkv", "libx264", "yuv420p", True)
    source.rename(tmp_path / "12:30.mkv")
    given, output = pathlib.Path("12:30.mkv"), pathlib.Path("12:31.mkv")
    request = streaming.Request(given, output, steps=0, span=(0, 5))
    assert streaming.restore(request, _CALM, _KNOWN, io.StringIO()) == 9
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "12:30.mkv",
        "12:31.mkv",
    ]


@pytest.mark.parametrize("span", [(0, None), (8, 900)])
def test_one_may_teach_all_where_nobody_counts_the_frames(tmp_path, span):
    source = _given(tmp_path / "in.mp4", "libx264", "yuv420p", True)
    told = io.StringIO()
    request = streaming.Request(source, tmp_path / "o.mp4", "video", 0, span=span)
    with video.open_source(source) as opened:
        opened.info = dataclasses.replace(opened.info, count=None)
        streaming.Run(request, opened, _CALM, _KNOWN).restore(told)
    assert "near the middle" in told.getvalue()


def test_ten_bits_stay_ten(tmp_path):
    source = _given(tmp_path / "in.mp4", "libx265", "yuv420p10le", True)
    output = tmp_path / "out.mp4"
    request = streaming.Request(source, output, steps=0, codec="hevc")
    streaming.restore(request, _CALM, _KNOWN, io.StringIO())
    with av.open(str(output)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.format.name) == (
            "hevc",
            "yuv420p10le",
        )


def _titled(folder, suffix):
    """A video with two lines to read, which were a file of their own."""
    (folder / "lines.srt").write_text(
        "1\n00:00:00,100 --> 00:00:00,400\nhello\n\n"
        "2\n00:00:00,500 --> 00:00:00,900\nworld\n\n"
    )
    given = _given(folder / "plain.mkv", "libx264", "yuv420p", True)
    path = folder / f"in{suffix}"
    with (
        av.open(str(given)) as pictures,
        av.open(str(folder / "lines.srt")) as lines,
        av.open(str(path), "w") as container,
    ):
        pairs = [(pictures, pictures.streams.video[0]), (lines, lines.streams[0])]
        added = [
            container.add_stream_from_template(stream, opaque=True)
            for _, stream in pairs
        ]
        added[1].metadata["language"] = "ita"
        for (source, stream), target in zip(pairs, added, strict=True):
            for packet in source.demux(stream):
                if packet.size:
                    packet.stream = target
                    container.mux(packet)
    return path


def _lines(path):
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        assert stream.language == "ita"
        return [
            (bytes(packet), packet.pts * packet.time_base, packet.duration)
            for packet in container.demux(stream)
            if packet.size
        ]


def test_subtitles_come_along_or_are_told_of(tmp_path):
    source = _titled(tmp_path, ".mkv")
    assert [text for text, *_ in _lines(source)] == [b"hello", b"world"]
    told = io.StringIO()
    request = streaming.Request(source, tmp_path / "out.mkv", steps=0)
    streaming.restore(request, _CALM, _KNOWN, told)
    assert _lines(tmp_path / "out.mkv") == _lines(source)
    assert "note: " not in told.getvalue()
    request = streaming.Request(source, tmp_path / "out.mp4", steps=0)
    streaming.restore(request, _CALM, _KNOWN, told)
    assert "its subtitle stream (srt) is not carried over: mp4" in told.getvalue()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("grey", [False, True])
def test_deep_transparent_and_grey_folders_stay_so(tmp_path, dtype, grey):
    (tmp_path / "in").mkdir()
    clip = odd_inputs.clip(3, 24, 32).astype(dtype) * (np.iinfo(dtype).max // 255)
    pixels = clip[..., :1].repeat(3, axis=-1) if grey else clip
    for number, frame in enumerate(pixels):
        alpha = np.full((24, 32), (number + 1) * (np.iinfo(dtype).max // 4), dtype)
        path = tmp_path / f"in/{number}.png"
        pictures.write_picture(path, frame, alpha, grey=grey)
    request = streaming.Request(tmp_path / "in", tmp_path / "out", steps=0)
    assert streaming.restore(request, _CALM, _KNOWN, io.StringIO()) == 5
    out = pictures.open_folder(tmp_path / "out")
    assert (out.count, out.height, out.width) == (5, 96, 128)
    assert (out.bits, out.grey, out.alpha) == (8 * pixels.itemsize, grey, True)
    tones = [int(alpha[0, 0]) for _, alpha in out]
    unit = np.iinfo(dtype).max // 4
    assert np.abs(np.array(tones) - unit * np.array([1, 1.5, 2, 2.5, 3])).max() <= 1
    for frame, (found, _) in zip(pixels, list(out)[::2], strict=True):
        smaller = found.reshape(24, 4, 32, 4, 3).mean(axis=(1, 3))
        assert np.abs(smaller - frame).mean() < 0.03 * np.iinfo(dtype).max
