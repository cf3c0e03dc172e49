"""Clips a second that one core unpacks, by form of storage, and that it loads."""

import contextlib
import functools
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

import jax
import numpy as np
from array_record.python import array_record_data_source, array_record_module
from PIL import Image

from adavsr_jax import data, rendering
from experiments.benchmarks import measuring, storage

_BAR = 200  # clips a second of a core, lossless
_BATCH = 4
_BATCHES = 4  # a round's
_CROP = 256  # pixels, height and width
_SET = 64_612  # clips that a set as Vimeo-90K's lists to train on
_SETTLE = 12  # batches: what was held ready when nobody asked is gone by then
# Threads and processes that read, as `data.batches` takes them.
_READERS = ((1, 0), (2, 0), (1, 1))


class Shape(NamedTuple):
    """`clips` of `frames` frames of `height` x `width`: Vimeo-90K's septuplets."""

    clips: int
    frames: int
    height: int
    width: int


DESIGN = Shape(4, 7, 256, 448)


def pin():
    """Keeps this process, and those it starts, on one core where a system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def measure(shape, tell):
    """One row a form of storage and a way to load; call `pin` first.

    `clips_per_core_second` is by the time that this process computed, which others on
    the machine take nothing of; None where another process reads.
    """
    clips = _rendered(shape)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        tell("packs clips in every form")
        source = _AsManyAsASet(_shards(clips, folder))
        rows = _unpacked(clips, folder, tell)
        for threads, processes in _READERS:
            tell(f"loads with {threads} threads, {processes} processes")
            rows.append(_loaded(source, shape, threads, processes))
    return [{**row, **shape._asdict()} for row in rows]


def told(rows):
    """A line a row, and the bar."""
    for row in rows:
        core = row["clips_per_core_second"]
        line = f"{row['what']}: {row['clips_per_second']:.0f} clips a second"
        line += f", {core:.0f} a second of a core" if core else ""
        if row["bytes_per_clip"]:
            line += f", {row['bytes_per_clip'] / 2**20:.2f} MiB a clip"
        yield line + (", lossy" if row["lossless"] is False else "")
    ours = rows[0]["clips_per_core_second"]
    verdict = "PASS" if ours >= _BAR else "MISS"
    yield f"{verdict}  clips a second of a core, ours: {ours:.0f} (at least {_BAR})"


def _rendered(shape):
    frames, *sides = shape[1:]
    draw = functools.partial(
        rendering.clip, frames=frames, height=sides[0], width=sides[1]
    )
    keys = jax.random.split(jax.random.key(0), shape.clips)
    return [np.asarray(draw(key)) for key in keys]


def _unpacked(clips, folder, tell):
    names, packed, runs, lossless = [], [], [], []
    forms = [*storage.forms(), _raw(clips, folder)]
    for form in forms:
        stored = [form.pack(clip) for clip in clips]
        found = map(form.unpack, stored)  # also what warms it up
        same = all([np.array_equal(*both) for both in zip(found, clips, strict=True)])
        names.append(form.name)
        packed.append(sum(map(_size, stored)) / len(clips))
        lossless.append(same)
        runs.append(functools.partial(_each, form.unpack, stored))
    wall, core = _timed(runs, tell)
    return [
        _row(name, len(clips), wall[:, n], core[:, n])
        | {"bytes_per_clip": packed[n], "lossless": lossless[n]}
        for n, name in enumerate(names)
    ]


def _raw(clips, folder):
    """A `Form`: no form at all, in ArrayRecord; what is packed is a clip's place."""
    path, shape = str(folder / "raw.array_record"), clips[0].shape
    writer = array_record_module.ArrayRecordWriter(path, "group_size:1,uncompressed")
    for clip in clips:
        writer.write(clip.tobytes())
    writer.close()
    source = array_record_data_source.ArrayRecordDataSource([path])
    places = {id(clip): place for place, clip in enumerate(clips)}
    return storage.Form(
        "raw, ArrayRecord",
        lambda clip: _Place(places[id(clip)], clip.nbytes),
        lambda at: np.frombuffer(source[at.place], np.uint8).reshape(shape),
    )


class _Place(NamedTuple):
    place: int
    nbytes: int


def _size(stored):
    if isinstance(stored, _Place):
        return stored.nbytes
    return len(stored) if isinstance(stored, bytes) else sum(map(len, stored))


def _each(unpack, stored):
    for each in stored:
        unpack(each)


def _shards(clips, folder):
    """A source as training reads it, through `data_prep.build_shards`."""
    tree, shards = folder / "vimeo_septuplet", folder / "shards"
    names = [f"00001/{number:04}" for number in range(1, len(clips) + 2)]
    # The last stands in the other list, which may not be empty.
    for name, clip in zip(names, [*clips, clips[0]], strict=True):
        (tree / "sequences" / name).mkdir(parents=True)
        for number, frame in enumerate(clip, start=1):
            path = tree / "sequences" / name / f"im{number}.png"
            Image.fromarray(frame).save(path, compress_level=1)
    (tree / "sep_trainlist.txt").write_text("\n".join(names[:-1]) + "\n")
    (tree / "sep_testlist.txt").write_text(names[-1] + "\n")
    command = [sys.executable, "-m", "data_prep.build_shards", "--dataset=vimeo90k"]
    subprocess.run(
        [*command, f"--source={tree}", f"--output={shards}"],
        check=True,
        capture_output=True,
    )
    return data.shards(shards, "train")


class _AsManyAsASet:
    """A source over and over: Grain shuffles few clips slowly, 4 ms each of 4."""

    def __init__(self, source):
        self._source = source
        self.least = source.least

    def __len__(self):
        return _SET

    def __getitem__(self, index):
        return self._source[index % len(self._source)]


def _loaded(source, shape, threads, processes):
    batches = data.batches(
        [source],
        [1.0],
        batch_size=_BATCH,
        patch=min(_CROP, *shape[2:]),
        frames=shape.frames,
        seed=0,
        num_threads=threads,
        num_processes=processes,
    )
    with contextlib.closing(batches):
        for _ in range(_SETTLE):
            next(batches)
        fetch = lambda: [next(batches) for _ in range(_BATCHES)]
        wall, core = _timed([fetch], lambda line: None)
    what = f"loader, {threads} threads, {processes} processes"
    row = _row(what, _BATCH * _BATCHES, wall[:, 0], core[:, 0])
    if processes:
        row["clips_per_core_second"] = None
    return row | {"bytes_per_clip": None, "lossless": None}


def _timed(runs, tell):
    """Seconds by the clock and of this process, `[rounds, len(runs)]` each."""
    core = []

    def timed(run):
        began = time.process_time()
        run()
        core.append(time.process_time() - began)

    timed_runs = [functools.partial(timed, run) for run in runs]
    wall = measuring.interleaved(timed_runs, tell=tell)
    return wall, np.reshape(core, wall.shape)


def _row(what, clips, wall, core):
    return {
        "what": what,
        "clips_per_second": clips / float(np.median(wall)),
        "clips_per_core_second": clips / float(np.median(core)),
    }
