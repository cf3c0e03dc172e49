"""One file of clips: what goes into it, whether it is there already, how it is made.

A file is written under another name, renamed when it is whole, and then gets a small
record, renamed into place too: what a kill may leave at any moment is a file without a
record, and that file is made again.
"""

import collections
import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from array_record.python import array_record_module

from adavsr_jax import records
from data_prep import tfds_clips

HALVES = "halves"
RECORDS = "records"


@dataclasses.dataclass(frozen=True)
class Job:
    """A file to be made. It can be pickled.

    Attributes:
      work: the working folder.
      name: of the file, relative to `work`, with `/`.
      parts, clips, files: as `splits.Split` describes them.
    """

    work: pathlib.Path
    name: str
    parts: list
    clips: Callable[[list, collections.Counter], Iterator]
    files: Callable[..., Iterable[pathlib.Path]]

    @property
    def path(self):
        """Where the file is made."""
        return self.work / self.name

    @property
    def record(self):
        """Where it is noted what came of it."""
        return self.work / RECORDS / f"{self.name}.json"


def find(job):
    """What `do` returned for a file that is there, whole and of the same sources.

    Returns:
      the record, or None if the file must be made.
    """
    try:
        record = json.loads(job.record.read_text(encoding="utf-8"))
        size = job.path.stat().st_size
    except FileNotFoundError:
        return None
    return record if (size, _stamp(job)) == (record["bytes"], record["stamp"]) else None


def do(job, tick):
    """Writes the file of a job, one clip in memory at a time, and its record.

    Args:
      job: the `Job`.
      tick: called after each clip.

    Returns:
      the record, a dict: `ids` in order, `bytes` and `sha256` of the file, `least` and
      `most` (`[H, W]`, of each side on its own; None if there is no clip), `dropped`
      (reason -> count), `stamp` (changes with the sources).

    Raises:
      ValueError: a source cannot be read; the message names it.
      OSError: a source is missing, or the file cannot be written.
    """
    stamp = _stamp(job)  # first: a source that changes from here on is read again
    half = job.work / HALVES / f"{job.path.name}.{os.getpid()}"
    dropped, noted = collections.Counter(), _Noted(tick)
    try:
        tfds_clips.write_shard(half, noted.passing(job.clips(job.parts, dropped)))
        _check(half, len(noted.ids))
        record = describe(half) | {
            "ids": noted.ids,
            "least": noted.least,
            "most": noted.most,
            "dropped": dropped,
            "stamp": stamp,
        }
        job.path.parent.mkdir(parents=True, exist_ok=True)
        half.replace(job.path)
    finally:
        half.unlink(missing_ok=True)
    write_json(job.record, record, job.work / HALVES)
    return record


def describe(path):
    """`bytes` and `sha256` of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def write_json(path, value, halves):
    """Writes a file at once: it is there whole, or as it was before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = halves / f"{path.name}.{os.getpid()}"
    half.write_text(json.dumps(value), encoding="utf-8")
    half.replace(path)


def _stamp(job):
    """A digest of what a file is made of: the parts, and the files they are in."""
    digest = hashlib.sha256(json.dumps(job.parts).encode())
    for path in dict.fromkeys(path for part in job.parts for path in job.files(part)):
        status = path.stat()
        line = f"{path.name}\n{status.st_size}\n{status.st_mtime_ns}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()


class _Noted:
    """What is to be known of clips, kept while they pass."""

    def __init__(self, tick):
        self.ids, self.least, self.most = [], None, None
        self._tick = tick

    def passing(self, clips):
        for clip_id, clip in clips:
            is_encoded = isinstance(clip, bytes | memoryview)
            data = bytes(clip) if is_encoded else records.encode(clip)
            size = list(records.shape(data)[1:])
            self.ids.append(clip_id)
            self.least = np.minimum(self.least or size, size).tolist()
            self.most = np.maximum(self.most or size, size).tolist()
            yield clip_id, data
            self._tick()


def _check(path, expected):
    """A writer that could not write need not have said so; nor has a reader."""
    with contextlib.closing(array_record_module.ArrayRecordReader(str(path))) as reader:
        found = reader.num_records()
    if found != expected:
        raise OSError(f"{path}: {found} records are in it of {expected} written")
