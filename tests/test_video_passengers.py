"""What travels beside the pictures: packets byte for byte, at their own times."""

import fractions

import av
import films
import numpy as np
import pytest

from adavsr_jax import video

F = fractions.Fraction


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
    old = films.source(tmp_path / source, codec)
    path, *_, notes = films.join(tmp_path, suffix, source=old)
    before, after = films.packets(old, "audio"), films.packets(path, "audio")
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
    assert len(films.decode(path)) == len(films.TIMES)


def test_a_span_keeps_what_begins_in_it_and_starts_at_zero(tmp_path):
    old = films.source(tmp_path / "a.mkv", "ac3")
    start, end = F(1, 4), F(1)
    path, *_ = films.join(
        tmp_path,
        ".mp4",
        times=[time + start for time in films.TIMES],
        source=old,
        span=(start, end),
    )
    assert [time for time, _ in films.decode(path)] == films.TIMES
    inside = [
        (t - start, d) for t, d in films.packets(old, "audio") if start <= t < end
    ]
    after = films.packets(path, "audio")
    assert [data for _, data in after] == [data for _, data in inside]
    assert all(
        abs(a[0] - b[0]) < F(1, 40000) for a, b in zip(after, inside, strict=True)
    )
    with av.open(str(path)) as container:
        ends = [c["end"] * c["time_base"] for c in container.chapters()]
    assert ends == [F(35, 100), F(75, 100)]


@pytest.mark.parametrize("suffix, kept", [(".mkv", True), (".mp4", False)])
def test_subtitles_travel_or_are_noted(tmp_path, suffix, kept):
    old = films.source(tmp_path / "a.mkv", subtitles="subrip")
    path, form, _, notes = films.join(tmp_path, suffix, source=old)
    assert video.check_passengers(old, form) == notes
    if kept:
        assert films.packets(path, "subtitles") == films.packets(old, "subtitles")
        assert notes == []
    else:
        assert "subtitle" in notes[0] and "not carried over" in notes[0]


def test_sound_that_a_container_cannot_hold_is_refused_before_any_work(tmp_path):
    old = films.source(tmp_path / "a.mp4", "aac")
    form, _ = video.choose_format(
        "a.webm", films.info(), height=films.HEIGHT, width=films.WIDTH
    )
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
    path, *_, notes = films.join(tmp_path, suffix, source=old)
    if suffix == ".mov":
        assert "its cover stream (mjpeg) is not carried over" in notes[0]
        return
    assert notes == []
    with av.open(str(path)) as container:
        attached = av.stream.Disposition.attached_pic
        (twin,) = [s for s in container.streams.video if s.disposition & attached]
        assert bytes(next(p for p in container.demux(twin) if p.size)) == painted


def test_damaged_sound_is_survived(tmp_path):
    old = films.source(tmp_path / "a.mkv", "aac", seconds=4)
    content = bytearray(old.read_bytes())
    random = np.random.default_rng(0)
    third = len(content) // 3
    content[third : third + 600] = random.integers(0, 256, 600, np.uint8).tobytes()
    old.write_bytes(bytes(content[: 2 * len(content) // 3]))
    path, *_ = films.join(tmp_path, ".mp4", source=old)
    assert len(films.packets(path, "audio")) > 20
    assert len(films.decode(path)) == len(films.TIMES)
