"""The folder beside an output, `OUTPUT.part`, in which it is made piece by piece.

A piece that is there is whole: who was killed goes on after the last one. At the end
what was made of them is put in the output's place.
"""

import json
import os
import pathlib
import shutil
from typing import NamedTuple

import filelock

from experiments import cli, ledger

_JOURNAL, _LOCK = "journal", "lock"


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
