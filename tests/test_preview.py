"""The sheet that a person looks at first."""

import numpy as np
import pytest
from PIL import Image

from adavsr_jax import kernels
from experiments import preview

_KERNEL = np.asarray(kernels.gaussian(2.0, 1.0, 0.5))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(1, 1), (9, 70), (120, 160)])
def test_crops_of_before_and_after_and_the_blur(tmp_path, dtype, size):
    most = np.iinfo(dtype).max
    before = np.random.default_rng(0).integers(
        0, most, (*size, 3), dtype, endpoint=True
    )
    after = before.repeat(4, axis=0).repeat(4, axis=1)
    sheet = preview.Preview(tmp_path / "p.png")
    for shot in range(1, 8):
        sheet.see(shot, before, after, _KERNEL)
    sheet.save()
    with Image.open(tmp_path / "p.png") as image:
        drawn = np.asarray(image)
    side = 2 * 4 * min(48, *size)
    assert drawn.shape[1] == 3 * (side + 8) + 8
    assert drawn.shape[0] // 4 > side  # the first four shots
    # What became of each pixel is that pixel: both crops show one place.
    first, second = (drawn[:, 8 + n * (side + 8) :][:, :side] for n in (0, 1))
    rows = slice(8 + 44, 8 + 44 + side)
    np.testing.assert_array_equal(first[rows], second[rows])


def test_nothing_seen_nothing_drawn(tmp_path):
    preview.Preview(tmp_path / "p.png").save()
    assert not list(tmp_path.iterdir())
