"""Clips of a data set -> ArrayRecord shards with a manifest beside them.

  python -m data_prep.build_shards --dataset=vimeo90k --source=DIR --output=DIR
  python -m data_prep.build_shards --dataset=videos --source=DIR --output=DIR
  python -m data_prep.build_shards --dataset=photos --source=DIR --output=DIR

`adavsr_jax.records` says what a record and the manifest hold. Shards are written in a
folder beside the output, which is renamed when all is done.
"""

import contextlib
import hashlib
import io
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

import tensorflow_datasets as tfds
from absl import flags, logging

from adavsr_jax import records
from data_prep import cli, photos, splits, tfds_clips, videos, vimeo90k

_DATASET = flags.DEFINE_enum(
    "dataset", None, ["vimeo90k", "videos", "photos"], "What the source holds."
)
_SOURCE = flags.DEFINE_string("source", None, "Folder to read.")
_OUTPUT = flags.DEFINE_string("output", None, "Folder to make; new or empty.")
_SPLIT = flags.DEFINE_string(
    "split", "train", "Name of the split; vimeo90k has its own, train and test."
)
_FRAMES = flags.DEFINE_integer(
    "frames", 7, "Frames of a clip; 7 for vimeo90k.", lower_bound=2
)
_MIN_SIZE = flags.DEFINE_integer(
    "min_size", 160, "videos: drop those with a shorter side.", lower_bound=1
)
_SIZE = flags.DEFINE_integer(
    "size", 256, "photos: height and width of a clip.", lower_bound=16
)
_CLIPS_PER_PHOTO = flags.DEFINE_integer(
    "clips_per_photo", 3, "photos: camera paths over each.", lower_bound=1
)
_SEED = flags.DEFINE_integer("seed", 0, "photos: of the camera paths.", lower_bound=0)
_CLIPS_PER_SHARD = flags.DEFINE_integer(
    "clips_per_shard", 256, "At most.", lower_bound=1
)
flags.mark_flags_as_required(["dataset", "source", "output"])

_REPORT_SECONDS = 10


def build(clip_splits, output, *, dataset, source, frames, clips_per_shard):
    """Writes the clips of all splits as shards with their manifest.

    Args:
      clip_splits: name -> `splits.Split`, each of at least one clip.
      output: folder to make; it must be absent or empty.
      dataset: name for the manifest.
      source: folder the clips come from; its name goes into the manifest.
      frames: length of the clips.
      clips_per_shard: at most.

    Returns:
      the manifest, as `records.read_manifest` describes it.

    Raises:
      ValueError: `output` holds something, or a clip cannot be read.
      OSError: `output` cannot be written.
    """
    output = pathlib.Path(output).absolute()
    check_output(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(
        tempfile.mkdtemp(prefix=f"{output.name}.", suffix=".tmp", dir=output.parent)
    )
    try:
        builder = tfds_clips.Clips(
            clip_splits=clip_splits, clips_per_shard=clips_per_shard, data_dir=work
        )
        with contextlib.redirect_stdout(io.StringIO()):  # it prints of downloads
            builder.download_and_prepare(
                download_config=tfds.download.DownloadConfig(try_download_gcs=False)
            )
        shards = pathlib.Path(builder.data_dir)
        manifest = _describe(builder, shards, clip_splits)
        manifest |= {
            "dataset": dataset,
            "source": pathlib.Path(source).resolve().name,
            "frames": frames,
        }
        text = json.dumps(manifest, indent=1, sort_keys=True)
        (shards / records.MANIFEST).write_text(text + "\n", encoding="utf-8")
        with contextlib.suppress(FileNotFoundError):
            output.rmdir()  # empty, or this refuses
        shards.rename(output)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return manifest


def check_output(output):
    """Raises ValueError unless `output` is an empty folder or can be made one."""
    output = pathlib.Path(output).absolute()
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ValueError(
            f"{output} exists and is not an empty folder: remove it or choose another "
            "--output"
        )
    above = next(folder for folder in output.parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise ValueError(
            f"{output} cannot be made, {above} is not a folder that can be written to: "
            "choose another --output"
        )


def _describe(builder, folder, clip_splits):
    files = []
    for name in clip_splits:
        info = builder.info.splits[name]
        for path, length in zip(info.filenames, info.shard_lengths, strict=True):
            files.append(_file(folder / path) | {"split": name, "records": length})
    sizes = [size[1:3] for size in builder.sizes]
    shards = {file["path"] for file in files}
    return {
        "version": records.MANIFEST_VERSION,
        "records": sum(file["records"] for file in files),
        "bytes": sum(file["bytes"] for file in files),
        "min_size": [min(side) for side in zip(*sizes, strict=True)],
        "max_size": [max(side) for side in zip(*sizes, strict=True)],
        "dropped": {name: dict(s.dropped) for name, s in clip_splits.items()},
        "files": files,
        "splits": builder.ids,
        "metadata": [
            _file(path) for path in sorted(folder.iterdir()) if path.name not in shards
        ],
    }


def _file(path):
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"path": path.name, "bytes": path.stat().st_size, "sha256": digest}


def _reporting(split, name):
    """The same split, which prints now and then how far its clips are."""

    def clips():
        start = last = time.monotonic()
        for index, item in enumerate(split.clips(), start=1):
            yield item
            now = time.monotonic()
            if now - last > _REPORT_SECONDS:
                last = now
                rate = index / (now - start)
                print(
                    f"{name}: {index} of {split.count}, {rate:.1f}/s", file=sys.stderr
                )

    return splits.Split(split.count, clips, split.dropped)


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


def main():
    start = time.monotonic()
    logging.set_verbosity(logging.ERROR)
    tfds.disable_progress_bar()
    check_output(_OUTPUT.value)
    print(f"looking through {_SOURCE.value}", flush=True)
    clip_splits = _read()
    for name, split in clip_splits.items():
        dropped = ", ".join(f"{n} {what}" for what, n in split.dropped.items())
        print(f"{name}: {split.count} clips; dropped: {dropped or 'nothing'}")
        if not split.count:
            raise ValueError(f"{_SOURCE.value} gives no clip; dropped: {dropped}")
    manifest = build(
        {name: _reporting(split, name) for name, split in clip_splits.items()},
        _OUTPUT.value,
        dataset=_DATASET.value,
        source=_SOURCE.value,
        frames=_FRAMES.value,
        clips_per_shard=_CLIPS_PER_SHARD.value,
    )
    print(
        f"{os.fspath(_OUTPUT.value)}: {manifest['records']} records, "
        f"{len(manifest['files'])} shards, {manifest['bytes'] / 1e6:.1f} MB, "
        f"{time.monotonic() - start:.0f} s"
    )


if __name__ == "__main__":
    cli.run(main)
