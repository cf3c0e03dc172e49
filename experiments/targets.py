"""Where a result goes: a video file or a folder of pictures, piece by piece.

All of it is made in a folder beside the output, see `work_folder`.
"""

import pathlib

import numpy as np

from adavsr_jax import pictures, video

_PICTURES = "pictures"
_USUAL = (1, 2, 5, 6, 7)  # primaries: BT.709, unstated, and those of old television


class VideoTarget:
    """A video file, from segments of it.

    Attributes:
      notes: lines for a person.
    """

    def __init__(self, path, source, info, height, width, *, codec, crf):
        """`path` is the output, `source` the input and `info` what is known of it."""
        self._suffix = path.suffix.lower()
        self._source = None if source.is_dir() else source
        self._format, self.notes = video.choose_format(
            path, info, height=height, width=width, codec=codec, crf=crf
        )
        if info.alpha:
            self.notes.append(f"{source}: its transparency is lost in a video")
        if self._source:
            self.notes += video.check_passengers(self._source, self._format)

    def identity(self) -> dict:
        """What its pieces depend on."""
        return {"encoding": repr(self._format)}

    def words(self) -> str:
        """For a person."""
        form = self._format
        return (
            f"{form.width} x {form.height}, {float(form.rate):.3f} frames a second, "
            f"{form.codec} {form.pixel_format}"
        )

    def piece(self, folder: pathlib.Path, number: int, first: int):
        """Opens piece `number`, of which output frame `first` is the first."""
        del first
        return _Segment(_segment(folder, number), self._format)

    def finish(self, folder: pathlib.Path, count: int, done, cut: bool) -> pathlib.Path:
        """Joins the pieces with all that travels with the pictures.

        Args:
          folder, count: where the pieces lie, and how many.
          done: a `shot_by_shot.Done`.
          cut: whether it is a part of the source only.

        Returns:
          The path of the whole.
        """
        made = folder / f"whole{self._suffix}"
        segments = [_segment(folder, number) for number in range(count)]
        span = (done.times[0], done.times[-1] + done.held) if cut else None
        notes = video.join(
            made,
            self._format,
            segments,
            done.times,
            done.held,
            source=self._source,
            span=span,
        )
        self.notes += [note for note in notes if note not in self.notes]
        return made


def _segment(folder, number):
    return folder / f"{number:06d}.mkv"


class _Segment(video.Encoder):
    def write(self, pixels, alpha=None):
        del alpha
        super().write(pixels)


class FolderTarget:
    """A folder of PNG files, `000000.png` and on.

    Attributes:
      notes: lines for a person.
    """

    def __init__(self, source, info, height, width):
        """`source` is the input, `info` what is known of it."""
        self._grey, self._size, self._bits = (
            info.chroma == "grey",
            (width, height),
            info.bits,
        )
        self.notes = _left_behind(source, info, height, width)

    def identity(self) -> dict:
        """What its pieces depend on."""
        return {"encoding": self.words()}

    def words(self) -> str:
        """For a person."""
        width, height = self._size
        kind = "grey" if self._grey else "RGB"
        return f"{width} x {height}, PNG, {8 if self._bits == 8 else 16} bits, {kind}"

    def piece(self, folder: pathlib.Path, number: int, first: int):
        """Opens piece `number`, of which output frame `first` is the first."""
        del number
        (folder / _PICTURES).mkdir(exist_ok=True)
        return _Numbered(folder / _PICTURES, first, self._grey)

    def finish(self, folder: pathlib.Path, count: int, done, cut: bool) -> pathlib.Path:
        """The folder of all pieces; what a killed piece left behind is gone by then."""
        del count, cut
        if not _evenly(done.times):
            self.notes.append(
                "the frames' times are uneven, and a folder holds their order only"
            )
        made = folder / _PICTURES
        known = {pictures.numbered(number) for number in range(len(done.times))}
        for path in made.iterdir():
            if path.name not in known:
                path.unlink()
        return made


def _left_behind(source, info, height, width):
    """Lines on what a folder of pictures does not say of a video."""
    notes, colour = [], info.colour
    beside = [] if source.is_dir() else video.beside_pictures(source)
    if beside:
        notes.append(
            f"{source}: {', '.join(beside)}: not carried over into a folder of pictures"
        )
    aspect = info.aspect_at(height, width)
    if aspect != 1:
        notes.append(
            f"a pixel is {aspect} as wide as high, which a folder of pictures does not"
            " say"
        )
    if colour.primaries not in _USUAL or colour.transfer in video.HDR:
        notes.append(
            f"colours are kept as they are, of primaries {colour.primaries} and"
            f" transfer {colour.transfer} (ITU-T H.273), which a folder of pictures"
            " does not say"
        )
    return notes


def _evenly(times):
    """Whether frames at equal steps come within half a step of their times."""
    found = np.array(times, float)
    even = np.linspace(found[0], found[-1], len(found))
    return (2 * (len(found) - 1) * abs(found - even) <= found[-1] - found[0]).all()


class _Numbered:
    def __init__(self, folder, first, grey):
        self._folder, self._number, self._grey = folder, first, grey

    def write(self, pixels, alpha=None):
        path = self._folder / pictures.numbered(self._number)
        pictures.write_picture(path, pixels, alpha, grey=self._grey)
        self._number += 1

    def close(self):
        """Nothing is left open: every picture is whole."""

    def discard(self):
        """Left for the piece that is written again."""
