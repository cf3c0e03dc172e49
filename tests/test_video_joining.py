"""Segments in one file: the same frames at exact times, with all that travels along."""

import fractions
import itertools
import logging

import av
import numpy as np
import pytest

from adavsr_jax import video
from adavsr_jax.video import kinds

F = fractions.Fraction
HEIGHT, WIDTH, RATE = 48, 80, 10
# Two segments, of 7 and 4 frames, at variable rate: the times of a source at 1/12800 s
# and the middles between them.
SIZES = (7, 4)
SHOWN = [F(t, 12800) for t in (0, 1280, 2561, 3000, 6402, 7680)]
TIMES = sorted(SHOWN + [(a + b) / 2 for a, b in itertools.pairwise(SHOWN)])
LAST = F(700, 12800)
PLACES = [
    ("libx264", ".mp4"),
    ("libx264", ".mov"),
    ("libx264", ".mkv"),
    ("libx265", ".mp4"),
    ("libx265", ".mkv"),
    ("libsvtav1", ".mp4"),
    ("libsvtav1", ".mkv"),
    ("libsvtav1", ".webm"),
    ("libvpx-vp9", ".mp4"),
    ("libvpx-vp9", ".webm"),
    ("prores_ks", ".mov"),
    ("ffv1", ".mkv"),
    ("mjpeg", ".mov"),
]


@pytest.fixture(autouse=True)
def _quiet():
    logging.getLogger("libav").setLevel(logging.CRITICAL)


def _info(**changes):
    told = {"bits": 10, "chroma": "420", "colour": kinds.Colour(9, 9, 14, False)}
    return kinds.Info(
        **{"height": 12, "width": 20, "aspect": F(1), "rate": F(RATE)}
        | {"time_base": F(1, 12800), "count": None}
        | told
        | changes,
    )


def _segments(folder, form):
    """Frames that differ, each segment from its own encoder."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    number, paths = 0, []
    for size in SIZES:
        paths.append(folder / f"segment{len(paths)}")
        with video.Encoder(paths[-1], form) as encoder:
            for _ in range(size):
                wave = 120 + 90 * np.sin(0.2 * (x + 5 * number) + 0.1 * y)
                encoder.write(np.repeat(wave[..., None], 3, axis=2).astype(np.uint8))
                number += 1
    return paths


def _join(tmp_path, suffix, codec=None, *, times=TIMES, info=None, **options):
    path = tmp_path / f"out{suffix}"
    form, _ = video.choose(
        path, info or _info(), height=HEIGHT, width=WIDTH, codec=codec
    )
    paths = _segments(tmp_path, form)
    return path, form, paths, video.join(path, form, paths, times, LAST, **options)


def _decode(path):
    with av.open(str(path)) as container:
        return [
            (frame.pts * frame.time_base, _rows(frame))
            for frame in container.decode(video=0)
        ]


def _rows(frame):
    """Bytes of each plane without what pads its rows."""
    each = 1 if frame.format.components[0].bits == 8 else 2
    return [
        np.frombuffer(plane, np.uint8)
        .reshape(plane.height, -1)[:, : each * plane.width]
        .tobytes()
        for plane in frame.planes
    ]


def _packets(path, kind):
    """(time, bytes) of each packet, read without our code."""
    with av.open(str(path)) as container:
        (stream,) = getattr(container.streams, kind)
        return [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in container.demux(stream)
            if packet.size
        ]


def _sound(container, codec, seconds):
    stream = container.add_stream(codec, rate=48000)
    stream.codec_context.layout = "stereo"
    german = "ger" if container.format.name == "mov" else "deu"
    stream.metadata.update(language=german, title="Ton")

    def encode():
        size = stream.codec_context.frame_size or 1024
        form = stream.codec_context.format.name
        for number in range(int(seconds * 48000 / size)):
            wave = np.sin(0.05 * np.arange(number * size, (number + 1) * size))
            wave = np.stack([wave, wave])
            if "flt" not in form:
                wave = (12000 * wave).astype(np.int16)
            packed = wave if form.endswith("p") else wave.T.reshape(1, -1)
            kind = packed.dtype if packed.dtype == np.int16 else np.float32
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(packed, kind), format=form, layout="stereo"
            )
            frame.sample_rate, frame.pts = 48000, number * size
            frame.time_base = F(1, 48000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())

    return encode


def _source(path, codec="aac", *, seconds=1.2, subtitles=None):
    """A film with sound, two chapters, titles and languages."""
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "A film"
        stream = container.add_stream("mpeg4" if path.suffix != ".webm" else "vp9")
        stream.height, stream.width, stream.pix_fmt = 16, 32, "yuv420p"
        stream.metadata["language"] = "fra"
        encode = _sound(container, codec, seconds)
        if subtitles:
            lines = container.add_mux_stream(subtitles, time_base=F(1, 1000))
            lines.metadata["language"] = "spa"
        container.set_chapters(
            [
                {"id": n, "start": 600 * n, "end": 600 * (n + 1)}
                | {"time_base": F(1, 1000), "metadata": {"title": name}}
                for n, name in enumerate(("one", "two"))
            ]
        )
        for number in range(24):
            frame = av.VideoFrame(32, 16, "yuv420p")
            frame.pts, frame.time_base = number, F(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        encode()
        if subtitles:
            for number in range(3):
                line = av.Packet(b"\0\5Hello" if subtitles == "mov_text" else b"Hello")
                line.stream, line.time_base = lines, F(1, 1000)
                line.pts = line.dts = 100 + 300 * number
                line.duration = 200
                container.mux(line)
    return path


@pytest.mark.parametrize("codec, suffix", PLACES)
def test_frames_are_the_segments_at_exact_times_with_their_tags(
    tmp_path, codec, suffix
):
    path, form, paths, notes = _join(tmp_path, suffix, codec)
    read = _decode(path)
    written = [planes for segment in paths for _, planes in _decode(segment)]
    assert [planes for _, planes in read] == written
    exact = suffix in (".mp4", ".mov")
    clock = F(1, 1000)
    expected = TIMES if exact else [round(time / clock) * clock for time in TIMES]
    assert [time for time, _ in read] == expected
    assert notes == []
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        context = container.streams.video[0].codec_context
        tags = context.colorspace, context.color_primaries, context.color_trc
        full_range = context.color_range == 2
    assert tags == (form.colour.matrix, 9, 14)
    assert full_range == form.colour.full_range
    if exact:
        assert all(p.dts <= p.pts for p in packets)
        assert all(a.dts < b.dts for a, b in itertools.pairwise(packets))
        assert packets[-1].duration > 0
        lasts = max(p.pts + p.duration for p in packets) * packets[0].time_base
        assert lasts >= TIMES[-1] + min(LAST, F(1, 12800))


@pytest.mark.parametrize(
    "source, codec, suffix",
    [
        ("a.mp4", "aac", ".mp4"),
        ("a.mp4", "aac", ".mov"),
        ("a.mp4", "aac", ".mkv"),
        ("a.mkv", "aac", ".mp4"),
        ("a.mkv", "libopus", ".webm"),
        ("a.webm", "libopus", ".mkv"),
        ("a.mov", "pcm_s16le", ".mov"),
        ("a.mkv", "ac3", ".mp4"),
    ],
)
def test_sound_keeps_its_packets_times_and_names(tmp_path, source, codec, suffix):
    old = _source(tmp_path / source, codec)
    path, *_, notes = _join(tmp_path, suffix, source=old)
    before, after = _packets(old, "audio"), _packets(path, "audio")
    assert [data for _, data in after] == [data for _, data in before]
    tick = F(0) if suffix in (".mp4", ".mov") else F(1, 2000)
    apart = [abs(a - b) for (a, _), (b, _) in zip(after, before, strict=True)]
    assert max(apart) <= tick
    assert notes == []
    with av.open(str(path)) as container:
        sound, pictures = container.streams.audio[0], container.streams.video[0]
        assert container.metadata["title"] == "A film"
        assert sound.language == ("ger" if suffix == ".mov" else "deu")
        assert sound.metadata.get("title", sound.metadata.get("name")) == "Ton"
        assert pictures.language == "fra"
        chapters = [
            (c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"])
            for c in container.chapters()
        ]
    assert chapters == [
        (0, F(6, 10), {"title": "one"}),
        (F(6, 10), F(12, 10), {"title": "two"}),
    ]
    assert len(_decode(path)) == len(TIMES)


def test_a_span_keeps_what_begins_in_it_and_starts_at_zero(tmp_path):
    old = _source(tmp_path / "a.mkv", "ac3")
    start, end = F(1, 4), F(1)
    path, *_ = _join(
        tmp_path,
        ".mp4",
        times=[time + start for time in TIMES],
        source=old,
        span=(start, end),
    )
    assert [time for time, _ in _decode(path)] == TIMES
    inside = [(t - start, d) for t, d in _packets(old, "audio") if start <= t < end]
    after = _packets(path, "audio")
    assert [data for _, data in after] == [data for _, data in inside]
    assert all(
        abs(a[0] - b[0]) < F(1, 40000) for a, b in zip(after, inside, strict=True)
    )
    with av.open(str(path)) as container:
        ends = [c["end"] * c["time_base"] for c in container.chapters()]
    assert ends == [F(35, 100), F(75, 100)]


@pytest.mark.parametrize("suffix, kept", [(".mkv", True), (".mp4", False)])
def test_subtitles_travel_or_are_noted(tmp_path, suffix, kept):
    old = _source(tmp_path / "a.mkv", subtitles="subrip")
    path, form, _, notes = _join(tmp_path, suffix, source=old)
    assert video.check_passengers(old, form) == notes
    if kept:
        assert _packets(path, "subtitles") == _packets(old, "subtitles")
        assert notes == []
    else:
        assert "subtitle" in notes[0] and "not carried over" in notes[0]


def test_sound_that_a_container_cannot_hold_is_refused_before_any_work(tmp_path):
    old = _source(tmp_path / "a.mp4", "aac")
    form, _ = video.choose("a.webm", _info(), height=HEIGHT, width=WIDTH)
    with pytest.raises(ValueError, match="webm cannot hold its sound.*write .mkv"):
        video.check_passengers(old, form)
    assert video.check_passengers(None, form) == []
    assert video.check_passengers(tmp_path, form) == []


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_cover_travels_where_it_can(tmp_path, suffix):
    old = tmp_path / "a.mp4"
    with av.open(str(old), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.height, stream.width, stream.pix_fmt = 16, 32, "yuv420p"
        cover = container.add_stream("mjpeg", rate=1)
        cover.height, cover.width, cover.pix_fmt = 24, 24, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame(24, 24, "yuvj420p")
        picture.pts, picture.time_base = 0, F(1)
        packets = [*cover.encode(picture), *cover.encode()]
        (painted,) = [bytes(packet) for packet in packets]
        container.mux(packets)
        for number in range(5):
            frame = av.VideoFrame(32, 16, "yuv420p")
            frame.pts, frame.time_base = number, F(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    path, *_, notes = _join(tmp_path, suffix, source=old)
    if suffix == ".mov":
        assert "its cover stream (mjpeg) is not carried over" in notes[0]
        return
    assert notes == []
    with av.open(str(path)) as container:
        attached = av.stream.Disposition.attached_pic
        (twin,) = [s for s in container.streams.video if s.disposition & attached]
        assert bytes(next(p for p in container.demux(twin) if p.size)) == painted


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("codec", ["libx264", "libx265", "mjpeg"])
def test_the_shape_of_pixels_is_kept(tmp_path, suffix, codec):
    info = _info(aspect=F(16, 15))
    path, *_ = _join(tmp_path, suffix, codec, info=info)
    with av.open(str(path)) as container:
        assert container.streams.video[0].sample_aspect_ratio == F(16, 15)


def test_damaged_sound_is_survived(tmp_path):
    old = _source(tmp_path / "a.mkv", "aac", seconds=4)
    content = bytearray(old.read_bytes())
    random = np.random.default_rng(0)
    third = len(content) // 3
    content[third : third + 600] = random.integers(0, 256, 600, np.uint8).tobytes()
    old.write_bytes(bytes(content[: 2 * len(content) // 3]))
    path, *_ = _join(tmp_path, ".mp4", source=old)
    assert len(_packets(path, "audio")) > 20
    assert len(_decode(path)) == len(TIMES)


def test_times_too_close_for_milliseconds_still_rise(tmp_path):
    close = [F(n, 5000) for n in range(sum(SIZES))]
    path, *_, notes = _join(tmp_path, ".mkv", times=close)
    assert [time for time, _ in _decode(path)] == [F(n, 1000) for n in range(11)]
    assert "faster than its clock" in notes[0]


def test_what_does_not_fit_together_is_refused(tmp_path):
    path, form, paths, _ = _join(tmp_path, ".mp4")
    with pytest.raises(ValueError, match="hold 11 frames, expected 10"):
        video.join(path, form, paths, TIMES[:-1], LAST)
    other, _ = video.choose(path, _info(bits=8), height=HEIGHT, width=WIDTH)
    with video.Encoder(tmp_path / "other", other) as encoder:
        encoder.write(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    with pytest.raises(ValueError, match="other: was encoded with other settings"):
        video.join(path, form, [*paths, tmp_path / "other"], [*TIMES, F(9)], LAST)
    paths[1].write_text("torn")
    with pytest.raises(OSError, match="segment1: is not a readable segment"):
        video.join(path, form, paths, TIMES, LAST)
    with pytest.raises(OSError, match="could not be written"):
        _join(tmp_path, "/nowhere/a.mp4")
