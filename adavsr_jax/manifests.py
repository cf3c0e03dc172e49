"""The manifest of shards: `manifest.json`, what lies in their folder and from where.

It is read before anything else, and carries a digest of itself: a number in it that is
wrong would else be taken for true.
"""

import hashlib
import json
import os
import pathlib

FILE = "manifest.json"
VERSION = 1
_DIGEST = "sha256"


def write(root, manifest):
    """Writes `manifest`, as `read` describes it, into `root`; adds its digest."""
    manifest = manifest | {_DIGEST: digest(manifest)}
    text = json.dumps(manifest, indent=1, sort_keys=True)
    (pathlib.Path(root) / FILE).write_text(text + "\n", encoding="utf-8")


def digest(manifest):
    """The sha256, in hex, of a manifest's values, its own digest left out."""
    values = {name: value for name, value in manifest.items() if name != _DIGEST}
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read(root):
    """Reads the manifest of the shards in folder `root`.

    Returns:
      A dict: `version`, `dataset`, `source` (the name of the source's folder),
      `records`, `bytes` (of all shards), `frames` (of each clip), `min_size` and
      `max_size` (`[H, W]`, the least and greatest of each), `dropped` (split ->
      reason -> count), `files` (for each shard, in the order of reading: `path`
      relative to `root`, `split`, `records`, `bytes`, `sha256`), `splits` (name ->
      ids in that order), `metadata` (`path`, `bytes`, `sha256` of the other files),
      `sha256` (of all the others, see `digest`; older ones have none).

    Raises:
      ValueError: no manifest, or one that is unreadable, damaged or of another
        version.
    """
    path = pathlib.Path(root) / FILE
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(
            f"no shards at {os.fspath(root)} ({FILE} is missing): build them with "
            "`python -m data_prep.build_shards --dataset=vimeo90k|videos|photos "
            f"--source=DIR --output={os.fspath(root)}`"
        ) from None
    except ValueError as error:
        raise ValueError(
            f"{path} is not readable JSON ({error}): build again"
        ) from None
    version = manifest.get("version") if isinstance(manifest, dict) else None
    if version != VERSION:
        raise ValueError(
            f"{path} has version {version}, expected {VERSION}: build again"
        )
    if _DIGEST in manifest and manifest[_DIGEST] != digest(manifest):
        raise ValueError(
            f"{path} is damaged, it does not hold what was written: copy it again, or "
            "build again"
        )
    return manifest
