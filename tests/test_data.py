"""Batches: their laws, and what they say of bad shards."""

import itertools
import json
import shutil

import numpy as np
import pytest
from array_record.python import array_record_module

from adavsr_jax import data, manifests, records

_PATCH, _FRAMES = 6, 3


def _coded(number, sizes=(5, 9, 8)):
    """A clip whose every pixel tells (clip and frame, row, column)."""
    clip = np.empty((*sizes, 3), np.uint8)
    clip[..., 0] = 10 * number + np.arange(sizes[0])[:, None, None]
    clip[..., 1] = np.arange(sizes[1])[:, None]
    clip[..., 2] = np.arange(sizes[2])
    return clip


def _source(count, first=0):
    return data.in_memory([_coded(first + number) for number in range(count)])


def _run(num_batches, sources=None, weights=None, **settings):
    settings = {
        "batch_size": 2,
        "patch": _PATCH,
        "frames": _FRAMES,
        "seed": 0,
        **settings,
    }
    sources = sources or [_source(7)]
    stream = data.batches(sources, weights or [1.0] * len(sources), **settings)
    return np.stack([batch["clips"] for batch in itertools.islice(stream, num_batches)])


def _numbers(batches):
    """Which clip each crop is from."""
    return (batches[..., 0] // 10)[..., 0, 0, 0].ravel().tolist()


def test_crops_are_windows_of_the_clip_up_to_symmetry():
    crops = _run(150).reshape(-1, _FRAMES, _PATCH, _PATCH, 3).astype(int)
    kinds, places = set(), set()
    for crop in crops:
        time, row, column = np.moveaxis(crop, -1, 0)
        steps = np.diff(time, axis=0)
        transposed = np.all(np.diff(row, axis=1) == 0)
        if transposed:
            row, column = row.transpose(0, 2, 1), column.transpose(0, 2, 1)
        down, right = np.diff(row, axis=1), np.diff(column, axis=2)
        for differences in (steps, down, right):
            assert np.all(differences == differences.flat[0])
            assert abs(differences.flat[0]) == 1
        kinds.add((transposed, steps.flat[0], down.flat[0], right.flat[0]))
        places.add((time.min() % 10, row.min(), column.min()))
    assert len(kinds) == 16
    # 3 first frames, 4 first rows, 3 first columns.
    assert len(places) == 36


@pytest.mark.parametrize("start", [1, 5, 13])
def test_starting_later_equals_running_and_discarding(start):
    sources = [_source(7), _source(5, first=7)]
    whole = _run(start + 6, sources, [0.7, 0.3])
    np.testing.assert_array_equal(
        _run(6, sources, [0.7, 0.3], start=start), whole[start:]
    )


def test_threads_change_nothing_and_seeds_do():
    np.testing.assert_array_equal(_run(8, num_threads=1), _run(8, num_threads=4))
    assert np.any(_run(8, seed=0) != _run(8, seed=1))


def test_each_epoch_holds_each_clip_once_in_a_new_order():
    numbers = _numbers(_run(14))
    epochs = [numbers[i : i + 7] for i in range(0, 28, 7)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


@pytest.mark.parametrize("count", [2, 3, 6])
def test_any_number_of_processes_have_the_same_batches(count):
    """Each a part of every batch, in their order; also where a run goes on."""
    sources, weights = [_source(5), _source(7, first=10)], [1.0, 2.0]
    whole = _run(9, sources, weights, batch_size=6, start=4)
    parts = [
        _run(
            9,
            sources,
            weights,
            batch_size=6 // count,
            start=4,
            process_index=index,
            process_count=count,
        )
        for index in range(count)
    ]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_weights_are_shares():
    sources = [_source(3), _source(4, first=10)]
    numbers = _numbers(_run(20, sources, [3.0, 1.0]))
    assert sum(number < 10 for number in numbers) == 30


@pytest.mark.parametrize(("sizes", "found"), [((5, 4, 9), "9 x 4"), ((2, 9, 9), "2 f")])
def test_a_clip_below_the_crop_is_named(sizes, found):
    source = data.in_memory([_coded(0), _coded(1, sizes)])
    with pytest.raises(ValueError, match=f"clip 1 in memory has.*{found}.*min_size"):
        _run(4, [source])
    with pytest.raises(ValueError, match="clip 1 in memory"):
        data.centre_crops(source, count=2, patch=_PATCH, frames=_FRAMES)


def test_weights_that_do_not_fit_are_refused():
    settings = {"batch_size": 1, "patch": _PATCH, "frames": _FRAMES, "seed": 0}
    with pytest.raises(ValueError, match="positive weight"):
        data.batches([_source(2)], [0.5, 0.5], **settings)
    with pytest.raises(ValueError, match="positive weight"):
        data.batches([_source(2)], [0.0], **settings)


def test_centre_crops_are_the_middle_and_spaced_evenly():
    crops = data.centre_crops(_source(9), count=3, patch=_PATCH, frames=_FRAMES)
    assert [int(crop[0, 0, 0, 0]) // 10 for crop in crops] == [1, 4, 7]
    # (9 - 6) // 2 = 1 row, (8 - 6) // 2 = 1 column, (5 - 3) // 2 = 1 frame.
    np.testing.assert_array_equal(crops[0], _coded(1)[1:4, 1:7, 1:7])
    few = data.centre_crops(_source(2), count=5, patch=_PATCH, frames=_FRAMES)
    assert len(few) == 2


@pytest.fixture(name="corpus", scope="module")
def _corpus(tmp_path_factory):
    """Two shards of three and two clips and the manifest that reading needs."""
    root = tmp_path_factory.mktemp("corpus")
    files = []
    for shard, count in enumerate([3, 2]):
        path = root / f"shard-{shard}"
        writer = array_record_module.ArrayRecordWriter(str(path), "group_size:1")
        for record in range(count):
            clip = records.encode(_coded(3 * shard + record))
            name = f"clip{shard}{record}".encode()
            entries = [_entry(b"id", name), _entry(b"clip", clip)]
            writer.write(_field(1, b"".join(entries)))
        writer.close()
        files.append({"path": path.name, "split": "train", "records": count})
    ids = ["clip00", "clip01", "clip02", "clip10", "clip11"]
    manifest = {
        "version": 1,
        "frames": 5,
        "min_size": [9, 8],
        "files": files,
        "splits": {"train": ids},
    }
    (root / manifests.FILE).write_text(json.dumps(manifest))
    return root


def _field(number, payload):
    length = len(payload)
    return bytes([number << 3 | 2, 128 | length & 127, length >> 7]) + payload


def _entry(name, value):
    return _field(1, _field(1, name) + _field(2, _field(1, _field(1, value))))


def test_shards_give_their_clips_in_order(corpus):
    source = data.shards(corpus, "train")
    assert len(source) == 5
    for index in range(5):
        np.testing.assert_array_equal(source[index], _coded(index))
    assert source.shape(1) == (5, 9, 8)
    with pytest.raises(ValueError, match=r"shard-0 record 0 \(clip00\) has 5 frames"):
        _run(1, [source], patch=9)
    assert source.describe(3).endswith("shard-1 record 0 (clip10)")
    assert sorted(set(_numbers(_run(10, [source])))) == [0, 1, 2, 3, 4]


def test_damage_is_named(corpus, tmp_path):
    with pytest.raises(ValueError, match="no shards at .*build_shards"):
        data.shards(tmp_path, "train")
    with pytest.raises(ValueError, match="no split 'val', it has train"):
        data.shards(corpus, "val")
    root = tmp_path / "copy"
    shutil.copytree(corpus, root)
    shard = root / "shard-1"
    whole = shard.read_bytes()

    shard.write_bytes(whole[:-1])
    with pytest.raises(ValueError, match="shard-1 holds 0 .* says 2: it is truncated"):
        data.shards(root, "train")

    place = whole.index(records.encode(_coded(3))[:20]) + 60
    flipped = bytes([whole[place] ^ 1])
    shard.write_bytes(whole[:place] + flipped + whole[place + 1 :])
    source = data.shards(root, "train")
    with pytest.raises(ValueError, match=r"shard-1 record 0 \(clip10\) is damaged"):
        source[3]
    np.testing.assert_array_equal(source[4], _coded(4))

    shard.unlink()
    with pytest.raises(ValueError, match="shard-1 is missing"):
        data.shards(root, "train")
