"""The shard format: one clip <-> bytes, the record around it, the manifest beside.

A clip is uint8 `[T, H, W, 3]`, RGB, any positive sizes. Its bytes are a header
(magic, version, T, H, W) and a zstd frame of "rows up": rows first, the channels as
G, R - G, B - G, each row minus the row above, all modulo 256. Undoing that is H - 1
vector additions, so it is exact, smaller than PNG and faster than QOI to read.

A record is what TensorFlow Datasets writes, a serialized `tf.train.Example` with two
byte strings, `clip` and `id`. Reading one needs only the few lines of protobuf below,
so that training depends on neither TensorFlow nor TensorFlow Datasets.

A manifest is `manifest.json` in the folder of the shards; see `read_manifest`.
"""

import json
import os
import pathlib
import struct

import numpy as np
import zstandard

MANIFEST = "manifest.json"
MANIFEST_VERSION = 1

_MAGIC = b"AVSC"
_VERSION = 1
_HEADER = struct.Struct("<4sIIII")  # magic, version, T, H, W


def encode(clip):
    """Turns a clip into bytes.

    Args:
      clip: uint8 `[T, H, W, 3]`, all sizes positive.

    Returns:
      bytes, which `decode` turns back into the same clip.

    Raises:
      ValueError: another dtype or shape.
    """
    if clip.dtype != np.uint8 or clip.ndim != 4 or clip.shape[3] != 3 or not clip.size:
        raise ValueError(
            "a clip must be uint8 [T, H, W, 3] with positive sizes, found "
            f"{clip.dtype} {list(clip.shape)}"
        )
    num_frames, height, width, _ = clip.shape
    red, green, blue = clip.transpose(3, 1, 0, 2)  # each [H, T, W]
    rows = np.empty((height, num_frames, 3, width), np.uint8)
    rows[:, :, 0] = green
    rows[:, :, 1] = red - green
    rows[:, :, 2] = blue - green
    rows[1:] = rows[1:] - rows[:-1]
    # A compressor that threads share crashes the process: one for each call.
    payload = zstandard.ZstdCompressor(level=1).compress(rows.tobytes())
    return _HEADER.pack(_MAGIC, _VERSION, num_frames, height, width) + payload


def shape(data):
    """Reads `(T, H, W)` from the header of an encoded clip.

    Raises:
      ValueError: too short, another magic or version. The payload is not looked at.
    """
    if len(data) < _HEADER.size:
        raise ValueError(
            f"truncated clip: {len(data)} bytes, the header alone is {_HEADER.size}"
        )
    magic, version, *sizes = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise ValueError(f"not a clip: starts with {magic!r}, expected {_MAGIC!r}")
    if version != _VERSION:
        raise ValueError(
            f"clip of format version {version}, this program reads {_VERSION}: "
            "build the shards again"
        )
    return tuple(sizes)


def decode(data):
    """Turns bytes from `encode` back into the clip, uint8 `[T, H, W, 3]`.

    Raises:
      ValueError: not a clip, another version, truncated or damaged.
    """
    num_frames, height, width = shape(data)
    payload = memoryview(data)[_HEADER.size :]
    size = num_frames * height * width * 3
    try:
        # The size is compared before anything is allocated.
        if zstandard.frame_content_size(payload) != size:
            raise ValueError(
                "damaged clip: its payload has another size than its header"
            )
        raw = bytearray(zstandard.ZstdDecompressor().decompress(payload))
    except zstandard.ZstdError as error:
        raise ValueError(f"truncated or damaged clip: {error}") from error
    rows = np.frombuffer(raw, np.uint8).reshape(height, num_frames, 3, width)
    flat = rows.reshape(height, -1)
    for row in range(1, height):
        np.add(flat[row], flat[row - 1], out=flat[row])
    rows[:, :, 1:] += rows[:, :, :1]
    clip = np.empty((num_frames, height, width, 3), np.uint8)
    for channel, plane in zip((1, 0, 2), rows.transpose(2, 1, 0, 3), strict=True):
        clip[..., channel] = plane
    return clip


def parse(record):
    """Splits a record into its id and its encoded clip.

    Args:
      record: bytes, a serialized `tf.train.Example` with byte lists `id` and `clip`.

    Returns:
      `(id, data)`: str and bytes; `decode(data)` is the clip.

    Raises:
      ValueError: not such a record.
    """
    # Example.features = 1, Features.feature = 1 (a map: entries of key = 1 and
    # value = 2), Feature.bytes_list = 1, BytesList.value = 1.
    found = {}
    for features in _fields(memoryview(record), 1):
        for entry in _fields(features, 1):
            name = b"".join(bytes(key) for key in _fields(entry, 1))
            values = [
                value
                for feature in _fields(entry, 2)
                for byte_list in _fields(feature, 1)
                for value in _fields(byte_list, 1)
            ]
            if len(values) == 1:
                found[name] = bytes(values[0])
    if found.keys() != {b"id", b"clip"}:
        names = ", ".join(sorted(repr(name) for name in found)) or "nothing"
        raise ValueError(
            f"not a clip record: expected fields id and clip, found {names}"
        )
    return found[b"id"].decode(), found[b"clip"]


def _fields(message, number):
    """Payloads of field `number` of a protobuf message, all length-delimited."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        length, position = _varint(message, position)
        if tag & 7 != 2 or position + length > len(message):
            raise ValueError("not a clip record: truncated or of another kind")
        if tag >> 3 == number:
            yield message[position : position + length]
        position += length


def _varint(message, position):
    value = 0
    for place in range(10):
        if position >= len(message):
            break
        byte = message[position]
        value |= (byte & 127) << (7 * place)
        position += 1
        if byte < 128:
            return value, position
    raise ValueError("not a clip record: truncated or of another kind")


def read_manifest(root):
    """Reads the manifest of the shards in folder `root`.

    Returns:
      A dict: `version`, `dataset`, `source` (the name of the source's folder),
      `records`, `bytes` (of all shards), `frames` (of each clip), `min_size` and
      `max_size` (`[H, W]`, the least and greatest of each), `dropped` (split ->
      reason -> count), `files` (for each shard, in the order of reading: `path`
      relative to `root`, `split`, `records`, `bytes`, `sha256`), `splits` (name ->
      ids in that order), `metadata` (`path`, `bytes`, `sha256` of the other files).

    Raises:
      ValueError: no manifest, or one that is unreadable or of another version.
    """
    path = pathlib.Path(root) / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(
            f"no shards at {os.fspath(root)} ({MANIFEST} is missing): build them with "
            "`python -m data_prep.build_shards --dataset=vimeo90k|videos|photos "
            f"--source=DIR --output={os.fspath(root)}`"
        ) from None
    except ValueError as error:
        raise ValueError(
            f"{path} is not readable JSON ({error}): build again"
        ) from None
    version = manifest.get("version") if isinstance(manifest, dict) else None
    if version != MANIFEST_VERSION:
        raise ValueError(
            f"{path} has version {version}, expected {MANIFEST_VERSION}: build again"
        )
    return manifest
