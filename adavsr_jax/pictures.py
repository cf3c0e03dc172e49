"""Still pictures and folders of them, through Pillow. No JAX.

A picture is `uint8 [H, W, 3]` RGB, full range.
"""

import os
import pathlib
import re
from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image, ImageOps

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


def listing(folder: str | os.PathLike) -> list[pathlib.Path]:
    """The pictures directly in `folder`, in natural order (`2.png`, `10.png`)."""
    inside = pathlib.Path(folder).iterdir()
    return sorted((path for path in inside if is_one_of(path, SUFFIXES)), key=_natural)


def is_one_of(path: pathlib.Path, suffixes: tuple[str, ...]) -> bool:
    """Whether `path` is a file with one of these suffixes, and not a hidden one.

    Beside `1.png` macOS may leave a `._1.png`, which holds no picture.
    """
    known = path.suffix.lower() in suffixes and not path.name.startswith(".")
    return known and path.is_file()


def read(path: str | os.PathLike) -> np.ndarray:
    """Reads one picture, upright by its EXIF tag.

    Grey becomes RGB; alpha is dropped and the stored colour kept.

    Returns:
      `uint8 [H, W, 3]`.

    Raises:
      ValueError: not a readable picture, or a 16-bit PNG.
    """
    path = pathlib.Path(path)
    with path.open("rb") as stream:
        head = stream.read(25)
    # Pillow would keep the upper 8 bits and say nothing.
    if head.startswith(b"\x89PNG") and head[24:] == b"\x10":
        raise ValueError(f"{path}: is a 16-bit PNG; convert it to 8 bits first")
    try:
        with Image.open(path) as image:
            return np.array(ImageOps.exif_transpose(image).convert("RGB"))
    # A broken PNG may be a SyntaxError, a broken size a bomb.
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: is not a readable picture ({error})") from error


def frames(folder: str | os.PathLike) -> Iterator[np.ndarray]:
    """Yields the pictures of a folder, all of one size; raises as `read` does.

    Raises:
      ValueError: no pictures, or two sizes (the first odd file is named).
    """
    files = listing(folder)
    if not files:
        raise ValueError(
            f"{folder}: holds no pictures ({' '.join(SUFFIXES)}); give a video file or"
            " a folder of frames"
        )
    first = None
    for file in files:
        frame = read(file)
        first = frame.shape if first is None else first
        if frame.shape != first:
            raise ValueError(
                f"{file}: is {size(frame)} but {files[0].name} is"
                f" {first[1]} x {first[0]}; all frames of a folder must have one size"
            )
        yield frame


def write(folder: pathlib.Path, frames: Iterable[np.ndarray]) -> int:
    """Writes `000000.png`, `000001.png`, ... to a new folder; returns how many."""
    folder.mkdir()
    count = 0
    for count, frame in enumerate(frames, start=1):
        image = Image.fromarray(frame)
        image.save(folder / f"{count - 1:06d}.png", compress_level=3)
    return count


def are_ours(folder: pathlib.Path) -> bool:
    """Whether `folder` holds nothing but what `write` makes."""
    return all(
        item.is_file() and re.fullmatch(r"\d{6,}\.png", item.name)
        for item in folder.iterdir()
    )


def size(frame: np.ndarray) -> str:
    """`width x height`, as people write it."""
    return f"{frame.shape[1]} x {frame.shape[0]}"


def _natural(path):
    pieces = re.split(r"(\d+)", path.name.lower())
    return [int(piece) if piece.isdecimal() else piece for piece in pieces]
