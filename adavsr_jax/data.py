"""Clips from shards or from memory to batches on the host. Grain; no JAX arrays.

Everything that is random follows from a seed and a batch's number: running from batch
`start` gives what running from 0 gives after that many batches, so that the position
in the data never needs to be saved.
"""

import functools
import pathlib

import grain
import numpy as np
from array_record.python import array_record_data_source, array_record_module

from adavsr_jax import manifests, readers, records

# Without end in all but name: Grain's endless mix in batches of one has no length.
_EPOCHS = 1 << 30
_PREFETCH = 4  # batches held ready


def shards(root, split):
    """Opens the shards of a split.

    Args:
      root: folder that `data_prep.build_shards` made.
      split: name of one of its splits.

    Returns:
      a source: `len(source)` clips, `source[index]` uint8 `[T, H, W, 3]`,
      `source.shape(index)` its `(T, H, W)`, `source.least`, below which no clip's
      are, `source.describe(index)`, where it comes from, and `source.ids`, the clips'
      names. Reading is thread-safe.

    Raises:
      ValueError: no shards there, no such split, a shard that is missing or does not
        hold the records that the manifest says. `source[index]` raises ValueError,
        naming shard and record, when a record is damaged.
    """
    manifest = manifests.read(root)
    if split not in manifest["splits"]:
        raise ValueError(
            f"{root} has no split {split!r}, it has {', '.join(manifest['splits'])}"
        )
    files = [file for file in manifest["files"] if file["split"] == split]
    least = (manifest["frames"], *manifest["min_size"])
    return _Shards(pathlib.Path(root), files, manifest["splits"][split], least)


def in_memory(clips):
    """A source of clips that are already there: a sequence of uint8 `[T, H, W, 3]`."""
    return _Memory(clips)


def check_room(source, *, patch, frames):
    """Raises ValueError for the first clip that is smaller than a crop.

    Args:
      source: as from `shards` or `in_memory`.
      patch: pixels, height and width of the crop.
      frames: T of the crop.
    """
    crop = (frames, patch, patch)
    if any(have < want for have, want in zip(source.least, crop, strict=True)):
        for index in range(len(source)):
            _room(source, index, source.shape(index), crop)


def batches(
    sources,
    weights,
    *,
    batch_size,
    patch,
    frames,
    seed,
    start=0,
    process_index=0,
    process_count=1,
    num_threads=2,
    num_processes=0,
):
    """Endless batches of random crops, a fixed function of seed and batch number.

    Each source is shuffled anew each epoch, sources are mixed by their weights, evenly.
    Of each batch every process has its part, in the order of the processes: together
    they are what one process alone would have. Crops are at random places and start
    frames, flipped along both axes, transposed and reversed in time, each with
    probability one half.

    Args:
      sources: list of sources, from `shards` or `in_memory`.
      weights: list of positive numbers, the share of each source.
      batch_size: clips of each batch of this process.
      patch: pixels, height and width of the crops.
      frames: T of the crops.
      seed: non-negative int, the same on all processes.
      start: number of batches that were consumed before.
      process_index: this process, of `process_count`.
      process_count: number of processes.
      num_threads: threads that read and crop.
      num_processes: processes that do, each with so many threads; 0: this one. The
        batches are the same.

    Returns:
      an iterator of `{"clips": uint8 [batch_size, frames, patch, patch, 3]}`.

    Raises:
      ValueError: weights that do not fit, a clip smaller than the crop; from the
        iterator, a clip that is damaged.
    """
    if len(weights) != len(sources) or not sources or min(weights) <= 0:
        raise ValueError(
            f"expected a positive weight for each of {len(sources)} sources (at least "
            f"one), found {list(weights)}"
        )
    order, crops = (
        int(np.random.SeedSequence(words).generate_state(1)[0])
        for words in ([seed], [seed, 1])
    )
    indices = []
    for number, source in enumerate(sources):
        check_room(source, patch=patch, frames=frames)
        indices.append(
            grain.MapDataset.range(len(source))
            .shuffle(seed=order)
            .repeat(_EPOCHS)
            .map(functools.partial(_pair, number))
        )
    crop = functools.partial(_random_crop, sources, patch, frames)
    dataset = (
        grain.MapDataset.mix(indices, list(weights))
        .random_map(crop, seed=crops)
        .batch(batch_size)[process_index::process_count]
    )
    options = grain.ReadOptions(
        num_threads=num_threads, prefetch_buffer_size=max(_PREFETCH, num_threads)
    )
    return readers.stream(dataset[start:], options, num_processes)


def centre_crops(source, *, count, patch, frames):
    """The middle of clips that are spaced evenly over a source, for validation.

    Args:
      source: as from `shards` or `in_memory`.
      count: at most so many clips.
      patch: pixels, height and width.
      frames: T, from the middle of the clip.

    Returns:
      list of uint8 `[frames, patch, patch, 3]`.

    Raises:
      ValueError: a clip that is damaged or smaller than the crop.
    """
    count = min(count, len(source))
    crops = []
    for index in ((2 * i + 1) * len(source) // (2 * count) for i in range(count)):
        clip = source[index]
        room = _room(source, index, clip.shape[:3], (frames, patch, patch))
        crops.append(_window(clip, [space // 2 for space in room], frames, patch))
    return crops


class _Shards:
    def __init__(self, root, files, ids, least):
        self.ids = ids
        self.least = least
        self._places = []  # (name of shard, record in it), for messages
        for file in files:
            path, expected = root / file["path"], file["records"]
            found = _num_records(path)
            if found != expected:
                raise ValueError(
                    f"shard {path} holds {found} readable records, the manifest says "
                    f"{expected}: it is truncated or damaged, build it again or copy "
                    "it again"
                )
            self._places += [(path, record) for record in range(expected)]
        self._records = array_record_data_source.ArrayRecordDataSource(
            [str(root / file["path"]) for file in files]
        )

    def __len__(self):
        return len(self._places)

    def __getitem__(self, index):
        return self._read(index, records.decode)

    def shape(self, index):
        return self._read(index, records.shape)

    def _read(self, index, function):
        try:
            _, data = records.parse(self._records[index])
            return function(data)
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"{self.describe(index)} is damaged: build the shard again or copy it "
                f"again ({error})"
            ) from error

    def describe(self, index):
        path, record = self._places[index]
        return f"shard {path} record {record} ({self.ids[index]})"


class _Memory:
    def __init__(self, clips):
        self._clips = clips
        self.least = tuple(map(min, zip(*(c.shape[:3] for c in clips), strict=True)))

    def __len__(self):
        return len(self._clips)

    def __getitem__(self, index):
        return self._clips[index]

    def shape(self, index):
        return self._clips[index].shape[:3]

    def describe(self, index):
        return f"clip {index} in memory"


def _num_records(path):
    if not path.is_file():
        raise ValueError(f"shard {path} is missing: build again or copy it again")
    # A damaged file opens without a word, as one of no records; closing it complains.
    try:
        reader = array_record_module.ArrayRecordReader(str(path))
        found = reader.num_records()
        reader.close()
    except RuntimeError:
        return 0
    return found


def _pair(number, index):
    return number, index


def _random_crop(sources, patch, frames, element, rng):
    number, index = element
    clip = sources[number][index]
    room = _room(sources[number], index, clip.shape[:3], (frames, patch, patch))
    corner = [int(rng.integers(space + 1)) for space in room]
    clip = _window(clip, corner, frames, patch)
    reverse, up_down, left_right, transpose = rng.integers(2, size=4)
    clip = clip[:: 1 - 2 * reverse, :: 1 - 2 * up_down, :: 1 - 2 * left_right]
    if transpose:
        clip = clip.transpose(0, 2, 1, 3)
    return {"clips": _contiguous(clip)}


def _contiguous(clip):
    """A copy in order; pixel by pixel, three bytes each, it took four times as long."""
    copy = np.empty(clip.shape, clip.dtype)
    for channel in range(3):
        copy[..., channel] = clip[..., channel]
    return copy


def _room(source, index, shape, crop):
    """How far a crop may move: frames, rows, columns; none of them negative."""
    room = [have - want for have, want in zip(shape, crop, strict=True)]
    if min(room) < 0:
        raise ValueError(
            f"{source.describe(index)} has {shape[0]} frames of {shape[2]} x "
            f"{shape[1]} pixels, fewer than a crop of {crop[0]} frames of {crop[2]} x "
            f"{crop[1]}: use a smaller crop, or build shards without such clips "
            f"(--frames={crop[0]} --min_size={max(crop[1:])} for videos)"
        )
    return room


def _window(clip, corner, frames, patch):
    first, top, left = corner
    return clip[first : first + frames, top : top + patch, left : left + patch]
