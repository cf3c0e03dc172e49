"""Whether a file or folder of pictures is still what it was, without reading it."""

import hashlib
import pathlib

from adavsr_jax import pictures


def of(path: pathlib.Path) -> str:
    """Names, sizes and times of change, of a file or a folder's pictures, as a digest.

    What else lies in the folder, the output among it, does not count.
    """
    files = pictures.listing(path) if path.is_dir() else [path]
    found = [(file.name, file.stat()) for file in files]
    stats = [(name, each.st_size, each.st_mtime_ns) for name, each in found]
    return hashlib.sha256(repr(stats).encode()).hexdigest()[:16]
