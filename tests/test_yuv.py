"""Y'CbCr of every depth means what the same colours mean at 8 bits."""

import numpy as np
import pytest

from adavsr_jax import yuv

DEPTHS = [8, 9, 10, 12, 16]


def _codes(colour, matrix, full_range, bits):
    """The equations of BT.709 and BT.2020, unrounded; colours of 0 to 1."""
    red, blue = yuv.LUMA[matrix]
    r, g, b = colour
    y = red * r + (1 - red - blue) * g + blue * b
    chroma = np.stack([(b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))])
    unit, middle, peak = 1 << (bits - 8), 1 << (bits - 1), (1 << bits) - 1
    if full_range:
        return np.stack([y * peak, *(middle + chroma * peak)])
    return np.stack([(16 + 219 * y) * unit, *(middle + 224 * unit * chroma)])


@pytest.mark.parametrize("bits", DEPTHS)
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", sorted(yuv.LUMA))
def test_colours_come_back_within_rounding(matrix, full_range, bits):
    colour = np.random.default_rng(bits).random((3, 5, 7))
    dtype, top = (np.uint8, 255) if bits == 8 else (np.uint16, 65535)
    codes = _codes(colour, matrix, full_range, bits)
    peak = (1 << bits) - 1
    codes = np.clip(np.rint(codes), 0, peak).astype(dtype)
    rgb = yuv.to_rgb(codes, matrix, full_range=full_range, bits=bits)
    assert rgb.dtype == dtype
    # Y, Cb, Cr are off by half a code each: at most this much of a colour, where a
    # limited range has 219 steps for 255; and the result is rounded once more.
    allowed = 1.7 * top / peak * (1 if full_range else 255 / 219) + 0.5
    assert np.abs(rgb - top * np.moveaxis(colour, 0, -1)).max() <= allowed


@pytest.mark.parametrize("bits", DEPTHS)
@pytest.mark.parametrize("full_range", [False, True])
def test_grey_is_grey_by_every_matrix(full_range, bits):
    unit, dtype = 1 << (bits - 8), np.uint8 if bits == 8 else np.uint16
    low, high = (0, (1 << bits) - 1) if full_range else (16 * unit, 235 * unit)
    top = np.iinfo(dtype).max
    y = np.arange(low, high + 1)[None].astype(dtype)
    grey = yuv.grey_to_rgb(y, full_range=full_range, bits=bits)
    assert grey.dtype == dtype
    expected = top * ((y - float(low)) / (high - low))
    assert np.abs(grey - expected[..., None]).max() <= 0.51
    for matrix in yuv.LUMA:
        chroma = np.full_like(y, 128 * unit)
        rgb = yuv.to_rgb([y, chroma, chroma], matrix, full_range=full_range, bits=bits)
        np.testing.assert_array_equal(rgb, grey)


def test_codes_out_of_range_are_clipped():
    dark, bright = np.full((1, 1), 3, np.uint8), np.full((1, 1), 250, np.uint8)
    middle = np.full((1, 1), 128, np.uint8)
    for y, level in ((dark, 0), (bright, 255)):
        rgb = yuv.to_rgb([y, middle, middle], yuv.BT709, full_range=False)
        assert (rgb == level).all()


def test_strips_do_not_show(monkeypatch):
    planes = np.random.default_rng(0).integers(0, 256, (3, 11, 6), dtype=np.uint8)
    whole = yuv.to_rgb(planes, yuv.BT601, full_range=False)
    monkeypatch.setattr(yuv, "_STRIP", 13)
    parts = yuv.to_rgb(planes, yuv.BT601, full_range=False)
    np.testing.assert_array_equal(parts, whole)
