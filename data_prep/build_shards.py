"""Clips of a data set -> ArrayRecord shards with a manifest beside them.

    python -m data_prep.build_shards --dataset=vimeo90k --source=DIR --output=DIR

Reads the folder `--source`: Vimeo-90K septuplets as they are published, videos that are
cut into clips of their shots, or photographs that a camera moves over. Leaves the
folder `--output`: shards, TFDS' metadata and the manifest; `adavsr_jax.records` says
what a record and the manifest hold.

Worker processes write whole shards, each with one clip in memory; the result is the
same for any number of them, byte for byte. They work in `OUTPUT.building`, of which the
output is made when all is done. Killed, interrupted or ended by a source that cannot be
read, the same command goes on: shards that are done are not made again, unless their
sources changed.

TFDS' own builders can do neither (`data_prep.tfds_clips` says why): TFDS writes each
shard and the metadata, `data_prep.building` decides which shards and when.
"""

import os
import pathlib
import re
import time

from absl import flags, logging

from data_prep import building, cli, jobs, photos, videos, vimeo90k, workers, workplace

_DATASET = flags.DEFINE_enum(
    "dataset", None, ["vimeo90k", "videos", "photos"], "What the source holds."
)
_SOURCE = flags.DEFINE_string("source", None, "Folder to read, as the data set has it.")
_OUTPUT = flags.DEFINE_string("output", None, "Folder to make; new or empty.")
_SPLIT = flags.DEFINE_string(
    "split", "train", "Name of the split; vimeo90k has its own, train, val and test."
)
flags.register_validator(
    _SPLIT,
    # TFDS asks for one that is no sign, and means every split by "all".
    lambda name: re.fullmatch(r"(?!all$)[_-]*[A-Za-z0-9][A-Za-z0-9_-]*", name),
    "a split has a name of letters, digits, _ and -, as val, and not all: files are "
    "named after it",
)
_FRAMES = flags.DEFINE_integer(
    "frames", 7, "Frames of a clip; 7 for vimeo90k.", lower_bound=2
)
_MIN_SIZE = flags.DEFINE_integer(
    "min_size",
    160,
    "videos: drop those whose shorter side has fewer pixels.",
    lower_bound=1,
)
_SIZE = flags.DEFINE_integer(
    "size", 256, "photos: height and width of a clip, pixels.", lower_bound=16
)
_CLIPS_PER_PHOTO = flags.DEFINE_integer(
    "clips_per_photo",
    3,
    "photos: camera paths over each, a clip from each path.",
    lower_bound=1,
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "photos: seed of the camera paths.", lower_bound=0
)
_CLIPS_PER_SHARD = flags.DEFINE_integer(
    "clips_per_shard", 256, "Clips of a shard, at most.", lower_bound=1
)
_WORKERS = flags.DEFINE_integer(
    "workers",
    workers.count_cores(),
    "Processes that write shards; by default one a core.",
    lower_bound=1,
)
flags.mark_flags_as_required(["dataset", "source", "output"])

# What each data set depends on, besides those that all depend on.
_FLAGS = {
    "vimeo90k": [],
    "videos": [_SPLIT, _MIN_SIZE],
    "photos": [_SPLIT, _SIZE, _CLIPS_PER_PHOTO, _SEED],
}


def _request():
    """Flag -> value of all that the shards depend on."""
    of_all = [_DATASET, _FRAMES, _CLIPS_PER_SHARD]
    chosen = {flag.name: flag.value for flag in of_all + _FLAGS[_DATASET.value]}
    return {"source": str(pathlib.Path(_SOURCE.value).resolve())} | chosen


def _read():
    if _DATASET.value == "videos":
        return {
            _SPLIT.value: videos.read(
                _SOURCE.value, frames=_FRAMES.value, min_size=_MIN_SIZE.value
            )
        }
    if _DATASET.value == "photos":
        return {
            _SPLIT.value: photos.read(
                _SOURCE.value,
                frames=_FRAMES.value,
                size=_SIZE.value,
                clips_per_photo=_CLIPS_PER_PHOTO.value,
                seed=_SEED.value,
            )
        }
    if _FRAMES.value != vimeo90k.NUM_FRAMES:
        raise ValueError(f"--frames={_FRAMES.value}: septuplets have 7 frames")
    return vimeo90k.read(_SOURCE.value)


def _build(work, crew):
    """The manifest of what is now in the working folder."""
    print(f"looking through {_SOURCE.value}", flush=True)
    if (work / jobs.RECORDS).exists():
        print(f"going on from what is done in {work}", flush=True)
    clip_splits = {
        name: building.know(work, name, split, crew) for name, split in _read().items()
    }
    for name, split in clip_splits.items():
        dropped = ", ".join(f"{n} {what}" for what, n in split.dropped.items())
        count = len(split.parts)
        print(f"{name}: {count} clips; dropped: {dropped or 'nothing'}", flush=True)
        if not count:
            raise ValueError(f"{_SOURCE.value} gives no clip; dropped: {dropped}")
    return building.write(
        work,
        clip_splits,
        crew,
        clips_per_shard=_CLIPS_PER_SHARD.value,
        dataset=_DATASET.value,
        source=pathlib.Path(_SOURCE.value).resolve().name,
        frames=_FRAMES.value,
    )


def main():
    start = time.monotonic()
    logging.set_verbosity(logging.ERROR)
    with workplace.claim(_OUTPUT.value, _request()) as work:
        if work is None:
            print(f"{_OUTPUT.value}: is whole already, what was left is cleared away")
            return
        with workers.start(_WORKERS.value) as crew:
            manifest = _build(work, crew)
        workplace.finish(work, _OUTPUT.value)
    print(
        f"{os.fspath(_OUTPUT.value)}: {manifest['records']} records, "
        f"{len(manifest['files'])} shards, {manifest['bytes'] / 1e6:.1f} MB, "
        f"{time.monotonic() - start:.0f} s"
    )


if __name__ == "__main__":
    cli.run(main)
