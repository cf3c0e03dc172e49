"""Clips as TensorFlow Datasets writes them: ArrayRecord files, and what describes them.

No TensorFlow. TFDS' builders write the shards of a data set one after another, in one
process, into a folder that does not outlive a failure; so they are not used, but what
they are made of: the writer of one shard, in whichever process, and the writer of the
metadata for shards that are there, which makes the folder one that TFDS reads.
"""

import pathlib

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core import example_serializer, file_adapters, naming, writer
from tensorflow_datasets.proto import tf_example_pb2

_FORMAT = file_adapters.FileFormat.ARRAY_RECORD
_NAME = "clips"
_VERSION = "1.0.0"


def shard_name(split, index, num_shards):
    """The file name of a shard: what TFDS looks for."""
    return (
        _template(".", split)
        .sharded_filepath(shard_index=index, num_shards=num_shards)
        .name
    )


def write_shard(path, clips):
    """Writes an ArrayRecord file, one clip in memory at a time.

    Args:
      path: of the file.
      clips: an iterable of `(id, data)`, the bytes as `records.encode` makes them.

    Raises:
      OSError: it cannot be written.
    """
    features = _features()
    serializer = example_serializer.ExampleSerializer(features.get_serialized_info())
    shard = writer.ShardWriter(features, serializer, _SameBytes(_FORMAT))
    try:
        shard.write(_examples(clips), path)
    except RuntimeError as error:  # what its own I/O raises, for a full disk too
        raise OSError(f"{path} cannot be written: {error}") from error


def write_metadata(folder, shards):
    """Writes what TFDS needs to read the shards in `folder`.

    Args:
      folder: where all the shards are.
      shards: split -> `(bytes, records)` of each of its shards.
    """
    tfds.folder_dataset.write_metadata(
        data_dir=folder,
        features=_features(),
        version=_VERSION,
        split_infos=[
            tfds.core.SplitInfo(
                name=split,
                shard_lengths=[length for _, length in sizes],
                num_bytes=sum(size for size, _ in sizes),
                filename_template=_template(folder, split),
            )
            for split, sizes in shards.items()
        ],
        check_data=False,  # it would ask for TensorFlow
    )


def _template(folder, split):
    return naming.ShardedFileTemplate(
        data_dir=pathlib.Path(folder),
        dataset_name=_NAME,
        split=split,
        filetype_suffix=_FORMAT.file_suffix,
    )


def _features():
    return tfds.features.FeaturesDict(
        {"clip": tfds.features.Scalar(dtype=np.object_), "id": tfds.features.Text()}
    )


def _examples(clips):
    for clip_id, data in clips:
        example = {"clip": data, "id": clip_id}
        yield clip_id, example
        # Written by now, but TFDS keeps every example of a shard to count them.
        example.clear()


class _SameBytes(writer.ExampleWriter):
    """Writes an example as the same bytes in every process.

    Its two features are a protobuf map, left by TFDS in the order of a random hash.
    """

    def write(self, path, examples):
        ordered = (
            (
                key,
                tf_example_pb2.Example.FromString(example).SerializeToString(
                    deterministic=True
                ),
            )
            for key, example in examples
        )
        return super().write(path, ordered)
