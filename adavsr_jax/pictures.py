"""Still pictures and folders of them, through Pillow. No JAX.

A picture is `uint8 [H, W, 3]` RGB, full range; a deep one `uint16`, over all 65,536
values. Alpha comes apart from it, `[H, W]` of the same type, and is not multiplied
into the colours: what lies under transparent pixels is kept.
"""

import contextlib
import dataclasses
import io
import os
import pathlib
import re
import struct
from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image

from adavsr_jax import code_depths, deep_png

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
# What a broken file may raise: a PNG a SyntaxError, its tags whatever they are read as.
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, struct.error)
_BROKEN += (Image.DecompressionBombError,)
_ORIENTATION = 0x0112  # of EXIF: 1 is upright, from 5 on height and width change places
_TURNED = {
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
    8: lambda x: np.rot90(x),
}


@dataclasses.dataclass(frozen=True)
class Folder:
    """A folder of pictures of one size, known before they are read.

    Attributes:
      files: of the pictures, in natural order.
      height, width: upright.
      bits: 16 if a file has more than 8, else 8.
      grey: whether all files are grey.
      alpha: whether a file has alpha.
    """

    files: list[pathlib.Path]
    height: int
    width: int
    bits: int
    grey: bool
    alpha: bool

    @property
    def count(self) -> int:
        """How many pictures there are."""
        return len(self.files)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Yields `(pixels, alpha)`, `[h, w, 3]` and `[h, w]`, uint16 if `bits` is 16.

        Alpha is None in a folder without; a file without is opaque in one with.

        Raises:
          ValueError: a file that cannot be read, or is no longer what it was.
        """
        for file in self.files:
            pixels, alpha = _decode(file)
            if pixels.shape != (self.height, self.width, 3):
                raise ValueError(
                    f"{file}: is {size(pixels)} now but was {self.width} x"
                    f" {self.height} at first; leave the folder alone while it is read"
                )
            at_depth = (
                code_depths.to_16_bits if self.bits == 16 else code_depths.to_8_bits
            )
            if self.alpha and alpha is None:
                alpha = np.full(pixels.shape[:2], 255, np.uint8)
            yield at_depth(pixels), at_depth(alpha) if self.alpha else None


def open_folder(folder: str | os.PathLike) -> Folder:
    """Looks at the head of every picture of a folder, and at no pixels.

    Raises:
      ValueError: no pictures; one that is none; or two sizes, of which the first odd
        file is named.
    """
    files = listing(folder)
    if not files:
        raise ValueError(
            f"{folder}: holds no pictures ({' '.join(SUFFIXES)}); give a video file or"
            " a folder of frames"
        )
    heads = [_read_head(file) for file in files]
    for file, head in zip(files, heads, strict=True):
        if (head.height, head.width) != (heads[0].height, heads[0].width):
            raise ValueError(
                f"{file}: is {head.width} x {head.height} but {files[0].name} is"
                f" {heads[0].width} x {heads[0].height}; all frames of a folder must"
                " have one size"
            )
    return Folder(
        files=files,
        height=heads[0].height,
        width=heads[0].width,
        bits=max(head.bits for head in heads),
        grey=all(head.layout in ("L", "LA") for head in heads),
        alpha=any(head.layout in ("LA", "RGBA") for head in heads),
    )


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

    Grey becomes RGB; alpha is dropped and the stored colour kept; 16 bits are rounded
    to 8.

    Returns:
      `uint8 [H, W, 3]`.

    Raises:
      ValueError: not a readable picture, or an animation.
    """
    return code_depths.to_8_bits(_decode(pathlib.Path(path))[0])


def frames(folder: str | os.PathLike) -> Iterator[np.ndarray]:
    """Yields the pictures of a folder, each as from `read`; raises as `open_folder`."""
    for pixels, _ in open_folder(folder):
        yield code_depths.to_8_bits(pixels)


def write(folder: pathlib.Path, frames: Iterable[np.ndarray]) -> int:
    """Writes `000000.png`, `000001.png`, ... to a new folder; returns how many.

    Frames and errors as of `write_picture`; also an OSError if the folder is there.
    """
    folder.mkdir()
    count = 0
    for count, frame in enumerate(frames, start=1):
        write_picture(folder / numbered(count - 1), frame)
    return count


def numbered(number: int) -> str:
    """The name that frame `number` of a folder of ours has."""
    return f"{number:06d}.png"


def write_picture(
    path: str | os.PathLike,
    pixels: np.ndarray,
    alpha: np.ndarray | None = None,
    *,
    grey: bool = False,
) -> None:
    """Writes one PNG, of 8 bits or 16 as the pixels are; whole or not at all.

    Args:
      path: ends in `.png`; what stands there is replaced.
      pixels: uint8 or uint16 `[H, W, 3]`, RGB, full range.
      alpha: `[H, W]` of the same type, or None.
      grey: write the mean of the three channels as one.

    Raises:
      ValueError: another suffix.
      OSError: no room, no such folder, no permission.
    """
    path = pathlib.Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"{path}: cannot write {path.suffix}; pictures are .png")
    if grey:
        total = pixels.sum(axis=-1, dtype=np.uint32, keepdims=True)
        pixels = ((total + 1) // 3).astype(pixels.dtype)
    if alpha is not None:
        pixels = np.concatenate([pixels, alpha[..., None]], axis=-1)
    # Hidden, so that nobody takes a half-written one for a picture.
    part = path.with_name(f".{path.name}.part")
    try:
        if pixels.dtype == np.uint16:
            part.write_bytes(deep_png.encode(pixels))
        else:
            flat = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
            Image.fromarray(flat).save(part, "PNG", compress_level=3)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def are_ours(folder: pathlib.Path) -> bool:
    """Whether `folder` holds nothing but what `write` makes."""
    return all(is_ours(item) for item in folder.iterdir())


def is_ours(path: pathlib.Path) -> bool:
    """Whether `path` is a file that `write` may have made, by its name."""
    return bool(re.fullmatch(r"\d{6,}\.png", path.name)) and path.is_file()


def size(frame: np.ndarray) -> str:
    """`width x height` of `[H, W, ...]`, as people write it."""
    return f"{frame.shape[1]} x {frame.shape[0]}"


@dataclasses.dataclass(frozen=True)
class _Head:
    height: int
    width: int
    bits: int
    layout: str  # L, LA, RGB or RGBA: what the file's own form comes nearest to
    orientation: int


def _read_head(path):
    with path.open("rb") as stream, _opened(path, stream) as image:
        return _head(image, stream)


@contextlib.contextmanager
def _opened(path, stream):
    """Pillow's view of a file; what goes wrong with it becomes one line."""
    try:
        with Image.open(stream) as image:
            yield image
    except _BROKEN as error:
        raise ValueError(f"{path}: is not a readable picture ({error})") from error


def _head(image, stream):
    # A photograph may carry its preview; of an animation no picture is the one.
    if image.format in ("PNG", "WEBP") and getattr(image, "n_frames", 1) > 1:
        raise ValueError(f"an animation of {image.n_frames} pictures: split it first")
    bits, grey = 8, image.mode in ("1", "L", "LA")
    if image.format == "PNG":
        # Pillow would keep the upper 8 of 16 bits and say nothing: ask the file.
        before = stream.tell()
        stream.seek(24)
        depth, kind = stream.read(2)
        stream.seek(before)
        bits, grey = max(bits, depth), kind in (0, 4)
    # A PNG without a tag in front of its pixels would be decoded in search of one.
    tagged = image.format != "PNG" or "exif" in image.info
    orientation = image.getexif().get(_ORIENTATION, 1) if tagged else 1
    height, width = image.height, image.width
    if orientation in (5, 6, 7, 8):
        height, width = width, height
    layout = ("L" if grey else "RGB") + "A" * image.has_transparency_data
    return _Head(height, width, bits, layout, orientation)


def _decode(path):
    """`(pixels, alpha)` of a file, uint16 if it is deep; alpha None if it has none."""
    content = path.read_bytes()
    stream = io.BytesIO(content)
    with _opened(path, stream) as image:
        head = _head(image, stream)
        if image.format == "PNG":
            # Checksums, which no decoder looks at.
            with Image.open(io.BytesIO(content)) as other:
                other.verify()
        if head.bits == 16:
            image.load()  # Pillow tells of pixels that are missing, PyAV does not
            values = deep_png.decode(content, head.layout)
        else:
            values = np.array(image.convert("RGBA" if "A" in head.layout else "RGB"))
    values = _TURNED.get(head.orientation, lambda x: x)(values)
    colours = values.shape[-1] - ("A" in head.layout)
    pixels = np.broadcast_to(values[..., :colours], (*values.shape[:2], 3))
    alpha = np.ascontiguousarray(values[..., -1]) if "A" in head.layout else None
    return np.ascontiguousarray(pixels), alpha


def _natural(path):
    pieces = re.split(r"(\d+)", path.name.lower())
    return [int(piece) if piece.isdecimal() else piece for piece in pieces]
