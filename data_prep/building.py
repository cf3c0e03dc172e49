"""Clips of a data set -> the shards in a working folder, with their manifest.

Where each part of a source is one clip, what goes into each shard is known from the
start. Videos must be read before it is known how many clips there are, so that each is
read once into a file of its own, like a shard; the shards are copied from these.
"""

import collections
import functools
import hashlib
import itertools
import operator

from array_record.python import array_record_module

from adavsr_jax import manifests, records
from data_prep import jobs, splits, tfds_clips, workplace


def know(work, name, split, crew):
    """A split of which each part is one clip; its videos are read for that.

    Args:
      work: the working folder; it holds as much as the videos' clips need.
      name: of the split.
      split: `splits.Split`.
      crew: `workers.Crew`.

    Returns:
      the same `splits.Split`, or one whose parts are records in the working folder.

    Raises:
      ValueError, OSError: a video cannot be read, or a file not be written.
    """
    if split.one_each:
        return split
    todo = [
        jobs.Job(work, _place(name, part), [part], split.clips, split.files)
        for part in split.parts
    ]
    read = _do(
        todo,
        crew,
        lambda files, clips, rate: (
            f"{name}: {files} of {len(todo)} read, {clips} clips, {rate:.1f} clips/s"
        ),
    )
    return splits.Split(
        [
            (job.name, index)
            for job, record in zip(todo, read, strict=True)
            for index in range(len(record["ids"]))
        ],
        functools.partial(_copied, work),
        functools.partial(_holder, work),
        dropped=sum(
            (collections.Counter(record["dropped"]) for record in read), split.dropped
        ),
    )


def write(work, clip_splits, crew, *, clips_per_shard, **about):
    """Writes shards, manifest and what TFDS needs into the working folder.

    Args:
      work: the working folder.
      clip_splits: name -> `splits.Split` of at least one clip, each part one.
      crew: `workers.Crew`.
      clips_per_shard: at most.
      **about: what else the manifest holds of the whole.

    Returns:
      the manifest, as `manifests.read` describes it.

    Raises:
      ValueError, OSError: a source cannot be read, or a file not be written.
    """
    todo = {
        name: _shards(work, name, split, clips_per_shard)
        for name, split in clip_splits.items()
    }
    every = list(itertools.chain(*todo.values()))
    total = sum(len(job.parts) for job in every)
    done = iter(
        _do(
            every,
            crew,
            lambda files, clips, rate: (
                f"{clips} of {total} clips, {rate:.1f} clips/s, "
                f"{files} of {len(every)} shards done"
            ),
        )
    )
    made = {
        name: [(job.path.name, next(done)) for job in shards]
        for name, shards in todo.items()
    }
    folder = work / workplace.SHARDS
    wanted = {job.path for job in every}
    for path in folder.iterdir():  # of a source that has changed since
        if path not in wanted:
            path.unlink()
    manifest = _finish(folder, made) | about
    manifest["dropped"] = {name: dict(s.dropped) for name, s in clip_splits.items()}
    manifests.write(folder, manifest)
    return manifest


def _place(split, part):
    """A file name that stays the same when another video comes or goes."""
    digest = hashlib.sha256(part.encode(errors="surrogateescape")).hexdigest()
    return f"{workplace.SOURCES}/{split}-{digest[:32]}"


def _do(todo, crew, line):
    """Records of all jobs; those that are done already are not done again."""
    found = [jobs.find(job) for job in todo]
    waiting = [job for job, record in zip(todo, found, strict=True) if record is None]
    kept = [record for record in found if record is not None]
    clips = sum(len(record["ids"]) for record in kept)
    made = iter(
        crew.do(
            waiting, lambda files, new, rate: line(files + len(kept), new + clips, rate)
        )
    )
    return [next(made) if record is None else record for record in found]


def _copied(work, places, dropped):
    """`clips` of a split whose parts are records of the working folder."""
    del dropped  # left out when the videos were read
    for name, group in itertools.groupby(places, operator.itemgetter(0)):
        reader = array_record_module.ArrayRecordReader(str(work / name))
        try:
            for _, index in group:
                yield records.parse(reader.read([index])[0])
        except (RuntimeError, IndexError) as error:
            raise ValueError(
                f"{work / name} is damaged: remove it and give the same command again"
            ) from error
        finally:
            reader.close()


def _holder(work, place):
    return [work / place[0]]


def _shards(work, name, split, most):
    """The fewest shards of at most `most` clips, as equal as can be."""
    count = len(split.parts)
    num_shards = -(-count // most)
    parts = iter(split.parts)
    return [
        jobs.Job(
            work,
            f"{workplace.SHARDS}/{tfds_clips.shard_name(name, index, num_shards)}",
            list(itertools.islice(parts, (count + index) // num_shards)),
            split.clips,
            split.files,
        )
        for index in range(num_shards)
    ]


def _finish(folder, made):
    """What the manifest tells of shards, beside which TFDS' metadata is written."""
    files = [
        {
            "path": path,
            "split": name,
            "records": len(record["ids"]),
            "bytes": record["bytes"],
            "sha256": record["sha256"],
        }
        for name, shards in made.items()
        for path, record in shards
    ]
    tfds_clips.write_metadata(
        folder,
        {
            name: [
                (file["bytes"], file["records"])
                for file in files
                if file["split"] == name
            ]
            for name in made
        },
    )
    every = [record for shards in made.values() for _, record in shards]
    shards = {file["path"] for file in files}
    return {
        "version": manifests.VERSION,
        "records": sum(file["records"] for file in files),
        "bytes": sum(file["bytes"] for file in files),
        "min_size": [
            min(side) for side in zip(*(r["least"] for r in every), strict=True)
        ],
        "max_size": [
            max(side) for side in zip(*(r["most"] for r in every), strict=True)
        ],
        "files": files,
        "splits": {
            name: [clip_id for _, record in shards for clip_id in record["ids"]]
            for name, shards in made.items()
        },
        "metadata": [
            {"path": path.name} | jobs.describe(path)
            for path in sorted(folder.iterdir())
            if path.name not in shards
        ],
    }
