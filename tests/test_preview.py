"""The sheet that a person looks at first."""

import numpy as np
import pytest
from PIL import Image

from adavsr_jax import code_depths, kernels
from experiments import figures, preview

_KERNEL = np.array(kernels.gaussian(2.0, 1.0, 0.5))
_PEAK = (4, 13)
_KERNEL[_PEAK] = 2 * _KERNEL.max()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(1, 1), (9, 70), (120, 160)])
def test_crops_of_before_and_after_and_the_blur(tmp_path, dtype, size):
    most = np.iinfo(dtype).max
    before = np.random.default_rng(0).integers(
        0, most, (*size, 3), dtype, endpoint=True
    )
    after = most - _larger(before, 4)
    sheet = preview.Preview(tmp_path / "p.png")
    for shot in range(1, 8):
        sheet.see(shot, before, after, _KERNEL)
    sheet.save()
    with Image.open(tmp_path / "p.png") as image:
        drawn = np.asarray(image)
    side = 2 * 4 * min(48, *size)
    assert drawn.shape[1] == 3 * (side + 8) + 8
    assert drawn.shape[0] // 4 > side  # the first four shots
    rows = slice(8 + 44, 8 + 44 + side)
    first, second, blur = (
        drawn[rows, 8 + n * (side + 8) :][:, :side] for n in range(3)
    )
    given, made = (code_depths.to_8_bits(frame) for frame in (before, after))
    crop = min(48, *size)
    place = figures.detailed_window(given, crop) if crop > 1 else (slice(0, 1),) * 2
    # What became of each pixel is that pixel: both crops show one place.
    np.testing.assert_array_equal(first, _larger(given[place], 8))
    at = tuple(slice(4 * part.start, 4 * part.stop) for part in place)
    np.testing.assert_array_equal(second, _larger(made[at], 2))
    if 4 * crop >= 20:  # else not every tap has a pixel
        brightest = np.argwhere(blur[..., 0] == blur.max()) // 2
        assert {tuple(20 * at // (4 * crop)) for at in brightest} == {_PEAK}


def _larger(pixels, factor):
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def test_nothing_seen_nothing_drawn(tmp_path):
    preview.Preview(tmp_path / "p.png").save()
    assert not list(tmp_path.iterdir())
