"""Where a result goes: a video file or a folder of pictures, piece by piece.

All of it is made in a folder beside the output, `OUTPUT.part`, and put in its place at
the end. A piece that is there is whole: who was killed goes on after the last one.
"""

import json
import os
import pathlib
import shutil
from typing import NamedTuple

import filelock

from adavsr_jax import pictures, video
from experiments import cli, ledger

_JOURNAL, _LOCK = "journal", "lock"
_PICTURES = "pictures"


class Piece(NamedTuple):
    """A finished piece, as the journal has it.

    Attributes:
      shot: the number of its shot. end: the input frame after its last one.
      closes: whether its shot ends with it.
      times: of its frames, seconds, as text (`1/24`).
      held: seconds that the last of them stands, if it is the last of all.
    """

    shot: int
    end: int
    closes: bool
    times: list[str]
    held: str


class Work:
    """The folder beside an output, held by one command at a time.

    Attributes:
      folder: its path.
      pieces: those that are finished, in order.
    """

    def __init__(self, output: pathlib.Path, settings: dict, *, anew: bool):
        """Opens `OUTPUT.part`, or begins it.

        Args:
          output: where the result will go.
          settings: what the pieces depend on; a run goes on only with the same.
          anew: begin again where it is of other settings.

        Raises:
          InputError: it is of other settings, not of ours, or another command's.
        """
        self.folder = _folder(output)
        self._output = output
        if _in_the_way(self.folder):
            raise cli.InputError(
                f"{self.folder}: is in the way and not of our making; rename it"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = filelock.FileLock(self.folder / _LOCK)
        try:
            self._lock.acquire(blocking=False)
        except filelock.Timeout:
            raise cli.InputError(
                f"{self.folder}: another command is writing {output}; wait for it, or "
                "choose another --output"
            ) from None
        self._journal = self._open(settings, anew)
        self.pieces = []
        while (found := self._journal.found([len(self.pieces)])) is not None:
            self.pieces.append(Piece(*found))

    def _open(self, settings, anew):
        path = self.folder / _JOURNAL
        try:
            return ledger.Ledger(path, settings)
        except cli.InputError as error:
            if not anew:
                words = str(error).removesuffix("or choose another --output")
                raise cli.InputError(
                    f"{words}choose another --output, or begin again with --overwrite"
                ) from error
        path.unlink()
        return ledger.Ledger(path, settings)

    def add(self, piece: Piece) -> None:
        """Notes that a piece is whole and on the disk."""
        self._journal.add([len(self.pieces)], list(piece))
        self.pieces.append(piece)

    def publish(self, made: pathlib.Path) -> None:
        """Puts what was made in its place and removes the folder."""
        if self._output.is_dir():  # check_output saw to it that all in it is ours
            shutil.rmtree(self._output)
        os.replace(made, self._output)
        self.remove()

    def remove(self) -> None:
        """Removes the folder with all pieces."""
        self._journal.close()
        self._lock.release()
        shutil.rmtree(self.folder)

    def leave(self) -> None:
        """Leaves the folder to a later command; removes it if nothing is finished."""
        if not self.pieces:
            self.remove()
            return
        self._journal.close()
        self._lock.release()


def begun(output: pathlib.Path) -> dict | None:
    """The settings that `OUTPUT.part` was begun with, if there is one of ours."""
    journal = _folder(output) / _JOURNAL
    try:
        with journal.open(encoding="utf-8") as lines:
            settings = json.loads(lines.readline())
    except (OSError, ValueError):
        return None
    return settings if isinstance(settings, dict) and "plan" in settings else None


def tidy(output: pathlib.Path) -> None:
    """Removes `OUTPUT.part` if it is ours and no piece of it is finished."""
    folder = _folder(output)
    if begun(output) is None:
        return
    if (folder / _JOURNAL).read_bytes().count(b"\n") < 2:
        shutil.rmtree(folder, ignore_errors=True)


def _folder(output):
    return output.with_name(output.name + ".part")


def _in_the_way(folder):
    if not folder.exists() or (folder / _JOURNAL).is_file():
        return False
    if not folder.is_dir():
        return True
    return any(path.name != _LOCK for path in folder.iterdir())


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

    def __init__(self, info, height, width):
        """`info` is what is known of the input."""
        self._grey, self._size, self._bits = (
            info.chroma == "grey",
            (width, height),
            info.bits,
        )
        self.notes = []

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
        made = folder / _PICTURES
        known = {pictures.numbered(number) for number in range(len(done.times))}
        for path in made.iterdir():
            if path.name not in known:
                path.unlink()
        return made


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
