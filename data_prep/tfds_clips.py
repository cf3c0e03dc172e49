"""The TensorFlow Datasets builder that writes clips as ArrayRecord, no TensorFlow.

In a module of its own: TFDS looks for a builder's package from the file of its class.
"""

import functools
import itertools

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core import writer
from tensorflow_datasets.proto import tf_example_pb2

from adavsr_jax import records


class Clips(tfds.core.ShardBasedBuilder):
    """Splits of clips -> shards.

    `ShardBasedBuilder` writes shard by shard in the order given; the generator-based
    builder shuffles through a bucket file past 1,000 MiB, which asks for TensorFlow.
    """

    VERSION = tfds.core.Version("1.0.0")
    # TFDS would find these by importlib_resources, which it does not install.
    code_path = tfds.core.Path(__file__)
    pkg_dir_path = tfds.core.Path(__file__).parent

    def __init__(self, *, clip_splits, clips_per_shard, **kwargs):
        """Args: `clip_splits` name -> `splits.Split`; `clips_per_shard` at most."""
        self._clip_splits = clip_splits
        self._clips_per_shard = clips_per_shard
        # What the manifest says of the clips, filled while they are written.
        self.ids = {name: [] for name in clip_splits}
        self.sizes = []
        super().__init__(file_format="array_record", **kwargs)

    def _info(self):
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "clip": tfds.features.Scalar(dtype=np.object_),
                    "id": tfds.features.Text(),
                }
            )
        )

    def _shard_iterators_per_split(self, dl_manager):
        del dl_manager  # nothing is downloaded
        per_split = {}
        for name, split in self._clip_splits.items():
            # TFDS writes the shards in their order, so that one pass feeds them all.
            clips = split.clips()
            lengths = _even_lengths(split.count, self._clips_per_shard)
            per_split[name] = [
                functools.partial(self._examples, name, clips, length)
                for length in lengths
            ]
        return per_split

    def _example_writer(self):
        return _SameBytes(self.info.file_format)

    def _examples(self, split, clips, length):
        for clip_id, clip in itertools.islice(clips, length):
            self.ids[split].append(clip_id)
            self.sizes.append(clip.shape)
            example = {"clip": records.encode(clip), "id": clip_id}
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


def _even_lengths(count, most):
    """Lengths of the fewest shards of at most `most` clips, as equal as can be."""
    num_shards = -(-count // most)
    return [(count + index) // num_shards for index in range(num_shards)]
