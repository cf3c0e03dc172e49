"""The picture of crops: pixels are repeated, never changed."""

import numpy as np
from PIL import Image

from experiments import figures


def test_crops_are_enlarged_and_unchanged(tmp_path):
    random = np.random.default_rng(0)
    crops = random.integers(0, 256, (4, 5, 7, 3), dtype=np.uint8)
    rows = [
        ("first", [("a", crops[0]), ("b\nb", crops[1])]),
        ("second", [("a", crops[2]), ("b", crops[3])]),
    ]
    figures.compare(tmp_path / "figure.png", rows, zoom=3)
    sheet = np.array(Image.open(tmp_path / "figure.png"))
    for crop in crops:
        large = crop.repeat(3, axis=0).repeat(3, axis=1)
        places = np.argwhere((sheet == large[0, 0]).all(axis=-1))
        assert any(
            np.array_equal(sheet[y : y + 15, x : x + 21], large) for y, x in places
        )


def test_the_window_finds_the_detail():
    frame = np.full((40, 50, 3), 90, np.uint8)
    random = np.random.default_rng(0)
    frame[20:30, 31:41] = random.integers(0, 256, (10, 10, 3))
    rows, columns = figures.detailed_window(frame, 12)
    assert rows.stop - rows.start == columns.stop - columns.start == 12
    assert rows.start <= 20 and rows.stop >= 30
    assert columns.start <= 31 and columns.stop >= 41
