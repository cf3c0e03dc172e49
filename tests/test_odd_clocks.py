"""Rates and clocks as phones write them: no fraction is too long for FFmpeg."""

import fractions

import films
import pytest

from adavsr_jax import video

F = fractions.Fraction
# The mean of half an hour whose frames are timed in 1/90000 s: twice it is no int32.
_PHONE = F(1800270000, 60010537)
_CODECS = {
    "libx264": ".mp4",
    "libx265": ".mp4",
    "libsvtav1": ".mp4",
    "libvpx-vp9": ".webm",
    "prores_ks": ".mov",
    "ffv1": ".mkv",
    "mjpeg": ".mov",
}


@pytest.mark.parametrize("clock", [F(1, 90000), F(1, 2**31 - 1)])
@pytest.mark.parametrize("codec", _CODECS)
def test_a_long_fraction_is_written(tmp_path, codec, clock):
    of = films.info(rate=_PHONE, time_base=clock, bits=8)
    path, form, *_ = films.join(tmp_path, _CODECS[codec], codec, of=of)
    assert abs(form.rate / (2 * _PHONE) - 1) < 1e-9
    found = [time for time, _ in films.decode(path)]
    assert len(found) == len(films.TIMES)
    unit = F(1, 1000) if path.suffix in (".mkv", ".webm") else clock
    for time, wanted in zip(found, films.TIMES, strict=True):
        assert abs(time - found[0] - (wanted - films.TIMES[0])) <= unit


def test_usual_fractions_stay_exact():
    for rate in (F(24000, 1001), F(30000, 1001), F(60000, 1001), F(25), F(30)):
        of = films.info(rate=rate, time_base=F(1, 90000), bits=8)
        form, _ = video.choose_format("a.mp4", of, height=48, width=80)
        assert form.rate == 2 * rate and form.time_base == F(1, 180000)


@pytest.mark.parametrize("aspect", [F(1), F(32, 27)])
@pytest.mark.parametrize("height, width", [(48, 80), (48, 60), (96, 80), (50, 82)])
def test_another_size_keeps_the_shape_of_the_picture(aspect, height, width):
    of = films.info(aspect=aspect, bits=8)  # 20 x 12
    form, _ = video.choose_format("a.mp4", of, height=height, width=width)
    assert F(width, height) * form.aspect == F(20, 12) * aspect
