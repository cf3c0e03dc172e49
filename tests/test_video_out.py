"""Pieces become one file: frames, times, sound and titles as they were."""

import fractions
import io

import av
import numpy as np
import odd_inputs
import pytest

from adavsr_jax import video, yuv
from adavsr_jax.video import kinds

F = fractions.Fraction
_HEIGHT, _WIDTH = 48, 64
# Two thirds of a second, as a phone writes it: no two steps alike.
_TIMES = [F(n, 600) for n in (0, 12, 25, 30, 61, 62, 90, 131, 200, 201, 207, 400)]


def _info(bits=8, chroma="420", colour=(1, 1, 1, False), **changes):
    return kinds.Info(
        height=_HEIGHT // 4,
        width=_WIDTH // 4,
        bits=bits,
        chroma=chroma,
        colour=kinds.Colour(*colour),
        aspect=changes.get("aspect", F(1)),
        rate=F(25),
        time_base=F(1, 300),
        count=None,
    )


def _made(folder, suffix, info=None, times=None, parts=3, **asked):
    """`(path, form, segments)`: a clip in so many pieces, joined."""
    choice = {key: asked.pop(key) for key in ("codec", "crf") if key in asked}
    path = folder / f"out{suffix}"
    form, _ = video.choose_format(
        path, info or _info(), height=_HEIGHT, width=_WIDTH, **choice
    )
    times = _TIMES if times is None else times
    clip = odd_inputs.clip(len(times))
    segments = []
    for number, part in enumerate(np.array_split(clip, parts)):
        segments.append(folder / f"{number}.mkv")
        with video.Encoder(segments[-1], form) as encoder:
            for frame in part:
                encoder.write(frame)
    asked["notes"] = video.join(path, form, segments, times, F(1, 10), **asked)
    return path, form, segments, asked["notes"]


def _frames(path):
    with video.open_source(path) as source:
        return list(source)


@pytest.mark.parametrize(
    "suffix, codec",
    [
        (".mp4", "h264"),
        (".mp4", "hevc"),
        (".mp4", "av1"),
        (".mov", "prores"),
        (".mov", "mjpeg"),
        (".mkv", "h264"),
        (".mkv", "ffv1"),
        (".mkv", "av1"),
        (".webm", "vp9"),
    ],
)
def test_frames_and_times_and_tags(tmp_path, suffix, codec):
    info = _info(aspect=F(4, 3))
    path, form, segments, notes = _made(tmp_path, suffix, info, codec=codec)
    _, told = video.choose_format(path, info, height=48, width=64, codec=codec)
    found = _frames(path)
    pieces = [frame for segment in segments for frame in _frames(segment)]
    for frame, piece in zip(found, pieces, strict=True):
        np.testing.assert_array_equal(frame.pixels, piece.pixels)
    unit = F(1, 1000) if suffix in (".mkv", ".webm") else 0
    for frame, moment in zip(found, _TIMES, strict=True):
        assert abs(frame.time - moment) <= unit / 2
    with video.open_source(path) as source:
        aspect = source.info.aspect
        assert aspect == F(4, 3) or any("4/3 times as wide" in note for note in told)
        if codec not in ("ffv1", "mjpeg"):
            assert source.info.colour == form.colour
    assert not notes


def test_packets_are_decoded_in_an_order_that_can_be(tmp_path):
    path, _, _, _ = _made(tmp_path, ".mp4")
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    dts = [packet.dts for packet in packets]
    assert dts == sorted(set(dts))
    assert all(packet.pts >= packet.dts for packet in packets)
    assert sorted(packet.pts for packet in packets) != [p.pts for p in packets]
    ends = packets[-1].pts + packets[-1].duration
    assert max(ends * packets[-1].time_base, 0) >= _TIMES[-1]


def _source(path, audio="aac", subtitles=None, rate=48000):
    """A second of pictures, sound, a line to read, chapters and titles."""
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "a walk"
        stream = container.add_stream("libx264", rate=12)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        sound = container.add_stream(audio, rate=rate, layout="mono")
        sound.metadata["language"] = "fra"
        unit = F(1, 1000)
        container.set_chapters(
            [
                {
                    "id": 1,
                    "start": 0,
                    "end": 400,
                    "time_base": unit,
                    "metadata": {"title": "in"},
                },
                {
                    "id": 2,
                    "start": 400,
                    "end": 1000,
                    "time_base": unit,
                    "metadata": {"title": "out"},
                },
            ]
        )
        for rgb in odd_inputs.clip(12):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode())
        form = sound.codec_context.format.name if sound.codec_context.format else "fltp"
        wave = 0.3 * np.sin(np.arange(rate) * 440 * 2 * np.pi / rate)
        for first in range(0, rate, 960):
            samples = wave[None, first : first + 960]
            kind = {"s16": np.int16, "s32": np.int32}.get(form[:3])
            if kind is not None:
                samples = (np.iinfo(kind).max * samples).astype(kind)
            else:
                samples = samples.astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format=form, layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, first, F(1, rate)
            container.mux(sound.encode(frame))
        container.mux(sound.encode())
    return path


def _packets(path, kind):
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        return [
            (bytes(packet), packet.pts * packet.time_base)
            for packet in container.demux(stream)
            if packet.size
        ]


@pytest.mark.parametrize(
    "given, audio, made",
    [
        (".mp4", "aac", ".mp4"),
        (".mp4", "aac", ".mov"),
        (".mp4", "aac", ".mkv"),
        (".mkv", "libopus", ".webm"),
        (".mkv", "libopus", ".mkv"),
        (".mov", "pcm_s16le", ".mov"),
        (".mkv", "flac", ".mkv"),
        (".mp4", "libmp3lame", ".mp4"),
    ],
)
def test_sound_is_byte_for_byte_where_it_was(tmp_path, given, audio, made):
    source = _source(tmp_path / f"in{given}", audio)
    times = [F(n, 24) for n in range(23)]
    path, *_ = _made(tmp_path, made, times=times, source=source)
    before, after = _packets(source, "audio"), _packets(path, "audio")
    assert b"".join(d for d, _ in before) == b"".join(d for d, _ in after)
    if audio == "pcm_s16le":  # samples without packets: a reader cuts them as it likes
        before, after = before[:1], after[:1]
    # Files that begin before zero, as AAC does, may be moved as a whole: against the
    # pictures nothing moves. Matroska counts milliseconds.
    moved = _frames(path)[0].time - _frames(source)[0].time
    unit = F(1, 1000) if made in (".mkv", ".webm") else F(1, 48000)
    for (_, was), (_, found) in zip(before, after, strict=True):
        assert abs(found - was - moved) <= unit
    with av.open(str(path)) as container:
        assert container.streams.audio[0].language == "fra"
        assert container.metadata["title"] == "a walk"
        titles = [chapter["metadata"]["title"] for chapter in container.chapters()]
        starts = [
            float(chapter["start"] * chapter["time_base"])
            for chapter in container.chapters()
        ]
    assert titles == ["in", "out"] and starts == [0.0, 0.4]


def test_of_a_part_what_belongs_to_it_comes_along(tmp_path):
    source = _source(tmp_path / "in.mkv", "libopus")
    times = [F(1, 2) + F(n, 24) for n in range(8)]
    span = (F(1, 2), F(5, 6))
    path, *_ = _made(tmp_path, ".mkv", times=times, source=source, span=span)
    before = [p for p in _packets(source, "audio") if span[0] <= p[1] < span[1]]
    after = _packets(path, "audio")
    assert [data for data, _ in before] == [data for data, _ in after]
    assert all(b[1] - a[1] == span[0] for a, b in zip(after, before, strict=True))
    assert abs(_frames(path)[0].time) <= F(1, 1000)
    with av.open(str(path)) as container:
        (chapter,) = container.chapters()
    assert chapter["metadata"]["title"] == "out" and chapter["start"] == 0


def test_sound_that_does_not_fit_is_refused_beforehand(tmp_path):
    source = _source(tmp_path / "in.mp4")
    form, _ = video.choose_format("o.webm", _info(), height=48, width=64)
    with pytest.raises(ValueError, match=r"its sound \(aac\).*write a .mkv"):
        video.check_passengers(source, form)
    form, _ = video.choose_format("o.mkv", _info(), height=48, width=64)
    assert not video.check_passengers(source, form)


@pytest.mark.parametrize(
    "suffix, asked, words",
    [
        (".mp4", {"codec": "divx"}, "--codec=divx: unknown encoder; there are h264"),
        (".webm", {"codec": "h264"}, "--codec=h264: webm files cannot hold it"),
        (".mp4", {"codec": "prores"}, "--codec=prores: mp4 files cannot hold it"),
        (
            ".mkv",
            {"codec": "ffv1", "crf": 3.0},
            "--crf=3: ffv1 has no constant quality",
        ),
        (".mkv", {"crf": 52.0}, "--crf=52: expected 0 to 51"),
    ],
)
def test_what_does_not_fit_is_refused(suffix, asked, words):
    with pytest.raises(ValueError, match=words):
        video.choose_format(f"o{suffix}", _info(), height=48, width=64, **asked)


def test_odd_sizes_and_hdr_in_eight_bits_are_refused():
    with pytest.raises(ValueError, match="even sizes.*--size=64x48"):
        video.choose_format("o.mp4", _info(), height=49, width=65)
    video.choose_format("o.mkv", _info(), height=49, width=65, codec="ffv1")
    hdr = _info(10, colour=(9, 9, 16, False))
    form, notes = video.choose_format("o.mp4", hdr, height=48, width=64)
    assert form.bits == 10 and "HDR is kept" in notes[0]
    with pytest.raises(ValueError, match=r"HDR \(PQ\), which needs 10"):
        video.choose_format("o.webm", hdr, height=48, width=64)


@pytest.mark.parametrize(
    "codec, bits, chroma, pixel_format",
    [
        ("h264", 8, "420", "yuv420p"),
        ("h264", 10, "422", "yuv422p10le"),
        ("hevc", 12, "444", "yuv444p10le"),
        ("av1", 8, "444", "yuv420p"),
        ("prores", 8, "420", "yuv422p10le"),
        ("vp9", 10, "420", "yuv420p"),
        ("mjpeg", 8, "422", "yuvj422p"),
        ("h264", 8, "grey", "yuv420p"),
        ("ffv1", 16, "rgb", "gbrp16le"),
    ],
)
def test_depth_and_chroma_are_the_nearest_that_there_are(
    codec, bits, chroma, pixel_format
):
    form, notes = video.choose_format(
        "o.mkv", _info(bits, chroma), height=48, width=64, codec=codec
    )
    assert form.pixel_format == pixel_format
    lost = bits > form.bits or (chroma.isdecimal() and chroma not in pixel_format)
    assert bool(notes) == lost


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "vp9", "prores", "mjpeg"])
@pytest.mark.parametrize("matrix, full", [(1, False), (6, True), (9, False)])
@pytest.mark.parametrize("bits", [8, 10])
def test_a_grey_card_stays_grey(tmp_path, codec, bits, matrix, full):
    info = _info(bits, colour=(matrix, 1, 1, full))
    form, _ = video.choose_format(
        "o.mkv", info, height=48, width=64, codec=codec, crf=None
    )
    most = 255 if bits == 8 else 65535
    for level in (0, 0.07, 0.5, 0.93, 1):
        card = np.full(
            (48, 64, 3), round(level * most), np.uint8 if bits == 8 else np.uint16
        )
        with video.Encoder(tmp_path / "card.mkv", form) as encoder:
            encoder.write(card)
        (frame,) = _frames(tmp_path / "card.mkv")
        found = frame.pixels / np.iinfo(frame.pixels.dtype).max
        coarser = 255 if form.bits == 8 else 1023
        assert np.abs(found - card[0, 0, 0] / most).max() * coarser <= 1.01
        assert np.ptp(found, axis=-1).max() * coarser <= 1.01


def test_equal_frames_give_equal_files(tmp_path):
    _, form, segments, _ = _made(tmp_path, ".mp4")
    first = [segment.read_bytes() for segment in segments]
    _made(tmp_path, ".mp4")
    for segment, before in zip(segments, first, strict=True):
        with av.open(str(segment)) as a, av.open(io.BytesIO(before)) as b:
            packets = [[bytes(p) for p in c.demux(video=0)] for c in (a, b)]
        assert packets[0] == packets[1]


def test_an_unfinished_piece_is_none(tmp_path):
    form, _ = video.choose_format("o.mp4", _info(), height=48, width=64)
    with pytest.raises(KeyError), video.Encoder(tmp_path / "a.mkv", form) as encoder:
        encoder.write(odd_inputs.clip(1)[0])
        assert not (tmp_path / "a.mkv").exists()
        raise KeyError
    assert not list(tmp_path.iterdir())
    encoder = video.Encoder(tmp_path / "a.mkv", form)
    with pytest.raises(ValueError, match="a frame is 8 x 8, not 64 x 48"):
        encoder.write(np.zeros((8, 8, 3), np.uint8))
    encoder.discard()
    encoder = video.Encoder(tmp_path / "none" / "a.mkv", form)
    with pytest.raises(OSError, match="none/a.mkv: could not be written"):
        encoder.write(odd_inputs.clip(1)[0])
        encoder.close()


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("bits", [8, 10, 12])
def test_there_and_back_is_within_half_a_code(bits, full):
    rgb = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    planes = yuv.from_rgb(rgb, yuv.BT709, full_range=full, bits=bits)
    back = yuv.to_rgb(planes, yuv.BT709, full_range=full, bits=bits)
    scale = np.iinfo(back.dtype).max
    assert np.abs(255 * (back / scale) - rgb).max() * 2 ** (bits - 8) <= 3
