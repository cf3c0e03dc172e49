"""The bytes of a clip."""

import numpy as np
import pytest
import zstandard

from adavsr_jax import manifests, records


def _clip(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize(
    "sizes", [(1, 1, 1), (7, 1, 5), (2, 9, 1), (1, 4, 3), (7, 16, 24), (3, 31, 17)]
)
def test_round_trip_is_exact(sizes):
    clip = _clip((*sizes, 3))
    data = records.encode(clip)
    np.testing.assert_array_equal(records.decode(data), clip)
    assert records.shape(data) == sizes


@pytest.mark.parametrize("sizes", [(3, 100, 1200), (7, 64, 448), (1, 3, 100_000)])
def test_clips_of_several_bands_are_exact_and_their_ends_missed(sizes):
    """Bands that divide the height, that do not, and lines longer than a band."""
    clip = _clip((*sizes, 3))
    data = records.encode(clip)
    np.testing.assert_array_equal(records.decode(data), clip)
    for lost in (1, 100, len(data) // 2):
        with pytest.raises(ValueError, match="truncated"):
            records.decode(data[:-lost])


def test_extreme_values_wrap_back():
    clip = np.zeros((2, 5, 6, 3), np.uint8)
    clip[:, ::2, :, 0] = 255
    clip[:, :, ::2, 2] = 255
    np.testing.assert_array_equal(records.decode(records.encode(clip)), clip)


def test_a_slice_of_a_larger_array_encodes_as_itself():
    clip = _clip((4, 12, 14, 3))[::2, 1:9:2, ::-1]
    np.testing.assert_array_equal(records.decode(records.encode(clip)), clip)


def test_smooth_pictures_take_less_than_half():
    ramp = np.add.outer(np.arange(64), np.arange(96)).astype(np.uint8)
    clip = np.broadcast_to(ramp[..., None], (7, 64, 96, 3))
    assert len(records.encode(clip)) < clip.size / 2


def test_every_truncation_is_noticed():
    data = records.encode(_clip((2, 4, 5, 3)))
    for length in range(len(data)):
        with pytest.raises(ValueError, match="truncated|damaged"):
            records.decode(data[:length])


def test_other_bytes_are_refused_by_what_is_wrong():
    data = records.encode(_clip((2, 4, 5, 3)))
    with pytest.raises(ValueError, match="not a clip"):
        records.decode(b"RIFF" + data[4:])
    with pytest.raises(ValueError, match="version 9"):
        records.decode(data[:4] + b"\x09\0\0\0" + data[8:])
    with pytest.raises(ValueError, match="another size"):
        records.decode(data[:8] + b"\x03\0\0\0" + data[12:])


def test_a_clip_of_no_frames_is_damaged():
    header = records.encode(_clip((2, 4, 5, 3)))[:20]
    nothing = zstandard.ZstdCompressor().compress(b"")
    with pytest.raises(ValueError, match="damaged clip"):
        records.decode(header[:8] + bytes(4) + header[12:] + nothing)


@pytest.mark.parametrize(
    "clip",
    [
        np.zeros((2, 4, 5, 3), np.float32),
        np.zeros((4, 5, 3), np.uint8),
        np.zeros((2, 4, 5, 4), np.uint8),
        np.zeros((0, 4, 5, 3), np.uint8),
    ],
)
def test_what_is_no_clip_is_not_encoded(clip):
    with pytest.raises(ValueError, match="found"):
        records.encode(clip)


def _field(number, payload):
    length, digits = len(payload), b""
    while length > 127:
        digits += bytes([128 | length & 127])
        length >>= 7
    return bytes([number << 3 | 2]) + digits + bytes([length]) + payload


def _example(**values):
    entries = [
        _field(1, _field(1, name.encode()) + _field(2, _field(1, _field(1, value))))
        for name, value in values.items()
    ]
    return _field(1, b"".join(entries))


@pytest.mark.parametrize("num_bytes", [0, 1, 127, 128, 20_000])
def test_a_record_gives_its_id_and_bytes_in_any_order(num_bytes):
    data = bytes(num_bytes)
    for record in (_example(clip=data, id=b"a/b"), _example(id=b"a/b", clip=data)):
        assert records.parse(record) == ("a/b", data)


def test_a_record_that_is_none_is_refused():
    record = _example(clip=b"1234567", id=b"x")
    for length in range(len(record)):
        with pytest.raises(ValueError, match="not a clip record"):
            records.parse(record[:length])
    with pytest.raises(ValueError, match="label"):
        records.parse(_example(label=b"1"))


def test_no_manifest_tells_how_to_build(tmp_path):
    with pytest.raises(ValueError, match="no shards at .*data_prep.build_shards"):
        manifests.read(tmp_path)
    (tmp_path / manifests.FILE).write_text('{"version": 99}')
    with pytest.raises(ValueError, match="version 99, expected 1"):
        manifests.read(tmp_path)
    (tmp_path / manifests.FILE).write_text('{"version"')
    with pytest.raises(ValueError, match="not readable JSON"):
        manifests.read(tmp_path)
