"""Shards against their manifest: every file, every checksum, every record.

    python -m data_prep.verify --shards=DIR

Reads all that `data_prep.build_shards` made, every clip decoded. Leaves nothing:
silence about faults and status 0, or one line a fault and status 2.
"""

import contextlib
import hashlib
import pathlib
import sys

from absl import flags
from array_record.python import array_record_module

from adavsr_jax import manifests, records
from data_prep import cli

_SHARDS = flags.DEFINE_string(
    "shards", None, "Folder that data_prep.build_shards made."
)
flags.mark_flags_as_required(["shards"])


def faults(root):
    """Yields one line for each fault of the shards in `root`.

    Raises:
      ValueError: there is no readable manifest.
    """
    root = pathlib.Path(root)
    manifest = manifests.read(root)
    listed = manifest["files"] + manifest["metadata"]
    names = {file["path"] for file in listed} | {manifests.FILE}
    for path in sorted(root.iterdir()):
        if path.name not in names:
            yield f"{path}: not in the manifest"
    for file in listed:
        yield from _file_faults(root, file)
    if manifest["records"] != sum(file["records"] for file in manifest["files"]):
        yield f"{root / manifests.FILE}: its records do not add up"
    for split, ids in manifest["splits"].items():
        files = [file for file in manifest["files"] if file["split"] == split]
        yield from _split_faults(root, split, files, ids, manifest["frames"])


def _file_faults(root, file):
    path = root / file["path"]
    if not path.is_file():
        yield f"{path}: missing"
        return
    size = path.stat().st_size
    if size < file["bytes"]:
        yield f"{path}: truncated, {size} bytes, the manifest says {file['bytes']}"
        return
    with path.open("rb") as opened:
        if hashlib.file_digest(opened, "sha256").hexdigest() != file["sha256"]:
            yield f"{path}: its sha256 is not the one in the manifest"


def _split_faults(root, split, files, ids, num_frames):
    """Counts, decodability, lengths and ids of the records of a split, in order."""
    position = 0
    for file in files:
        path, expected = root / file["path"], file["records"]
        wanted, position = ids[position : position + expected], position + expected
        if not path.is_file():
            continue  # told already
        found, faulty = _read_all(path, wanted, num_frames)
        if found != expected:
            yield f"{path}: {found} readable records, the manifest says {expected}"
        else:
            yield from faulty
    if position != len(ids):
        yield f"{root}: split {split} has {position} records and {len(ids)} ids"


def _read_all(path, ids, num_frames):
    """How many records a shard has, and a line for each that is not as it should be."""
    # A damaged file opens without a word, as one of no records; closing it complains.
    with contextlib.suppress(RuntimeError):
        found, lines = 0, []
        reader = array_record_module.ArrayRecordReader(str(path))
        found = reader.num_records()
        for record, clip_id in enumerate(ids[:found]):
            fault = _record_fault(reader, record, clip_id, num_frames)
            if fault:
                lines.append(f"{path} record {record}: {fault}")
        reader.close()
    return found, lines


def _record_fault(reader, record, clip_id, num_frames):
    try:
        found_id, data = records.parse(reader.read([record])[0])
        clip = records.decode(data)
    except (RuntimeError, ValueError) as error:
        return f"cannot be decoded ({' '.join(str(error).split())})"
    if found_id != clip_id:
        return f"is {found_id}, the manifest says {clip_id}"
    if len(clip) != num_frames:
        return f"has {len(clip)} frames, the manifest says {num_frames}"
    return None


def main():
    well = True
    for fault in faults(_SHARDS.value):
        well = False
        print(fault)
    if not well:
        sys.exit(2)
    manifest = manifests.read(_SHARDS.value)
    print(
        f"{_SHARDS.value}: {manifest['records']} records in "
        f"{len(manifest['files'])} shards, {manifest['bytes'] / 1e6:.1f} MB, all well"
    )


if __name__ == "__main__":
    cli.run(main)
