"""Segments in one file: the same frames, at exact times, tagged."""

import fractions
import itertools
import resource

import av
import films
import numpy as np
import pytest

from adavsr_jax import video

F = fractions.Fraction
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


@pytest.mark.parametrize("codec, suffix", PLACES)
def test_frames_are_the_segments_at_exact_times_with_their_tags(
    tmp_path, codec, suffix
):
    path, form, paths, notes = films.join(tmp_path, suffix, codec)
    read = films.decode(path)
    written = [planes for segment in paths for _, planes in films.decode(segment)]
    assert [planes for _, planes in read] == written
    exact = suffix in (".mp4", ".mov")
    clock = F(1, 1000)
    expected = (
        films.TIMES if exact else [round(time / clock) * clock for time in films.TIMES]
    )
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
        assert lasts >= films.TIMES[-1] + min(films.LAST, F(1, 12800))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("codec", ["libx264", "libx265", "mjpeg"])
def test_the_shape_of_pixels_is_kept(tmp_path, suffix, codec):
    told = films.info(aspect=F(16, 15))
    path, *_ = films.join(tmp_path, suffix, codec, of=told)
    with av.open(str(path)) as container:
        assert container.streams.video[0].sample_aspect_ratio == F(16, 15)


def test_times_too_close_for_milliseconds_still_rise(tmp_path):
    close = [F(n, 5000) for n in range(sum(films.SIZES))]
    path, *_, notes = films.join(tmp_path, ".mkv", times=close)
    assert [time for time, _ in films.decode(path)] == [F(n, 1000) for n in range(11)]
    assert "faster than its clock" in notes[0]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_full_disk_is_one_line(tmp_path, suffix):
    path, form, paths, _ = films.join(tmp_path, suffix)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="out.*could not be written") as caught:
            video.join(path, form, paths, films.TIMES, films.LAST)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value)


def test_what_does_not_fit_together_is_refused(tmp_path):
    path, form, paths, _ = films.join(tmp_path, ".mp4")
    with pytest.raises(ValueError, match="hold 11 frames, expected 10"):
        video.join(path, form, paths, films.TIMES[:-1], films.LAST)
    other, _ = video.choose_format(
        path, films.info(bits=8), height=films.HEIGHT, width=films.WIDTH
    )
    with video.Encoder(tmp_path / "other", other) as encoder:
        encoder.write(np.zeros((films.HEIGHT, films.WIDTH, 3), np.uint8))
    with pytest.raises(ValueError, match="other: was encoded with other settings"):
        video.join(
            path, form, [*paths, tmp_path / "other"], [*films.TIMES, F(9)], films.LAST
        )
    paths[1].write_text("torn")
    with pytest.raises(OSError, match="segment1: is not a readable segment"):
        video.join(path, form, paths, films.TIMES, films.LAST)
    with pytest.raises(OSError, match="could not be written"):
        films.join(tmp_path, "/nowhere/a.mp4")
