"""Forms of storage give clips back, and each gets a row."""

import numpy as np
import pytest
from absl import flags

from experiments.benchmarks import reading, storage


def test_every_form_gives_the_clip_back_or_something_like_it():
    ramp = np.add.outer(3 * np.arange(48), 2 * np.arange(64))[..., None]
    clip = (ramp + 5 * np.arange(7)[:, None, None, None] + [0, 9, 4]).astype(np.uint8)
    known = {form.name: form for form in storage.forms()}
    assert {"ours", "PNG", "FFV1", "H.264, lossless"} <= set(known)
    for name, form in known.items():
        found = form.unpack(form.pack(clip))
        assert (found.dtype, found.shape) == (clip.dtype, clip.shape)
        if "JPEG" in name or "CRF" in name:
            assert np.abs(found.astype(float) - clip).mean() < 20
        else:
            np.testing.assert_array_equal(found, clip, err_msg=name)


@pytest.mark.slow
def test_forms_and_loaders_are_measured_at_once():
    flags.FLAGS.mark_as_parsed()  # Grain's own, where it starts processes
    rows = reading.measure(reading.Shape(2, 7, 48, 64), lambda line: None)
    assert rows[0]["what"] == "ours"
    assert sum(row["what"].startswith("loader") for row in rows) == 3
    for row in rows:
        assert row["clips_per_second"] > 0
        assert row["clips"] == 2
    lossy = [row["what"] for row in rows if row["lossless"] is False]
    assert lossy == ["JPEG, quality 95", "H.264, CRF 18"]
    raw = next(row for row in rows if row["what"].startswith("raw"))
    assert raw["bytes_per_clip"] == 7 * 48 * 64 * 3
    lines = list(reading.told(rows))
    assert len(lines) == len(rows) + 1
    assert "ours" in lines[-1]
