"""The shard format: one clip <-> bytes, and the record around it.

A clip is uint8 `[T, H, W, 3]`, RGB, any positive sizes. Its bytes are a header
(magic, version, T, H, W) and a zstd frame of "rows up": rows first, the channels as
G, R - G, B - G, each row minus the row above, all modulo 256. Undoing that is H - 1
vector additions, so it is exact, smaller than PNG and faster than QOI to read.

A record is what TensorFlow Datasets writes, a serialized `tf.train.Example` with two
byte strings, `clip` and `id`. Reading one needs only the few lines of protobuf below,
so that training depends on neither TensorFlow nor TensorFlow Datasets.
"""

import struct

import numpy as np
import zstandard

_MAGIC = b"AVSC"
_VERSION = 1
_HEADER = struct.Struct("<4sIIII")  # magic, version, T, H, W
_BAND = 1 << 18  # bytes that are unpacked at a time


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
      ValueError: not a clip, another version, truncated, or damaged where its form
        shows it. The payload has no checksum: a changed value may give another clip;
        the sha256 of the manifest tells.
    """
    num_frames, height, width = shape(data)
    payload = memoryview(data)[_HEADER.size :]
    line = num_frames * 3 * width
    try:
        # The size is compared before anything is allocated.
        if not height * line or zstandard.frame_content_size(payload) != height * line:
            raise ValueError(
                "damaged clip: its payload has another size than its header"
            )
        clip = np.empty((num_frames, height, width, 3), np.uint8)
        # Whole clips would leave the processor's cache between one pass and the next.
        band = min(height, max(1, _BAND // line))
        lines = np.empty((band + 1, line), np.uint8)  # the line above the band first
        lines[band] = 0
        stream = zstandard.ZstdDecompressor().stream_reader(payload)
        for top in range(0, height, band):
            lines[0] = lines[band]
            count = min(band, height - top)
            _read_lines(stream, lines[1 : count + 1])
            for row in range(1, count + 1):
                np.add(lines[row], lines[row - 1], out=lines[row])
            rows = lines[1 : count + 1].reshape(count, num_frames, 3, width)
            _colour(rows, clip[:, top : top + count])
    except zstandard.ZstdError as error:
        raise ValueError(f"truncated or damaged clip: {error}") from error
    return clip


def _read_lines(stream, lines):
    found = stream.readinto(lines.reshape(-1))
    if found != lines.size:
        raise ValueError(
            f"truncated clip: its payload ends {lines.size - found} bytes too soon"
        )


def _colour(rows, frames):
    """Writes rows `[R, T, 3, W]` of G, R - G, B - G to frames `[T, R, W, 3]`."""
    green, red, blue = rows.transpose(2, 1, 0, 3)
    frames[..., 1] = green
    np.add(red, green, out=frames[..., 0])
    np.add(blue, green, out=frames[..., 2])


def parse(record):
    """Splits a record into its id and its encoded clip.

    Args:
      record: bytes, a serialized `tf.train.Example` with byte lists `id` and `clip`.

    Returns:
      `(id, data)`: str and a view of the record; `decode(data)` is the clip.

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
                found[name] = values[0]
    if found.keys() != {b"id", b"clip"}:
        names = ", ".join(sorted(repr(name) for name in found)) or "nothing"
        raise ValueError(
            f"not a clip record: expected fields id and clip, found {names}"
        )
    return bytes(found[b"id"]).decode(), found[b"clip"]


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
