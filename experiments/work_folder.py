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

from adavsr_jax import pictures, video
from experiments import cli, ledger

_JOURNAL, _LOCK = "journal", "lock"
_held = set()  # folders that this process holds


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
        self.folder, self._output = _folder(output), output
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
        _held.add(self.folder)  # before there is a journal: who sees one may tidy
        try:
            self._journal = self._open(settings, anew)
        except BaseException:
            _held.discard(self.folder)
            self._lock.release()
            raise
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

    def publish(self, made: pathlib.Path, *, overwrite: bool) -> None:
        """Puts what was made in its place and removes the folder.

        Raises:
          InputError: something came to stand there since the work began, which is kept,
            and so is what was made: the same command puts it in place later.
        """
        try:
            try:
                video.check_output(self._output, overwrite=overwrite)
            except ValueError as error:
                found = str(error).rsplit("; ", 1)[0]
                way = "" if overwrite else ", or give it with --overwrite"
                raise cli.InputError(
                    f"{found}, and did not when the work began; the result is kept as "
                    f"{made}: move away what is in its place and give the same command "
                    f"again{way}; nothing is restored anew"
                ) from error
            _replace(self._output, made)
        except BaseException:
            self.leave()
            raise
        self.remove()

    def remove(self) -> None:
        """Removes the folder with all pieces."""
        self._let_go()
        shutil.rmtree(self.folder)

    def leave(self) -> None:
        """Leaves the folder to a later command; removes it if nothing is finished."""
        self._let_go()
        if not self.pieces:
            shutil.rmtree(self.folder)

    def _let_go(self):
        self._journal.close()
        _held.discard(self.folder)
        self._lock.release()


def _replace(output, made):
    """Moves `made` to `output`, where frames of ours may stand, and nothing else."""
    if output.is_dir():
        for path in output.iterdir():
            if pictures.is_ours(path):
                path.unlink()
        output.rmdir()  # which fails if something came just now
    os.replace(made, output)


def place(output: pathlib.Path) -> pathlib.Path:
    """Where an output really goes: a link stays, and what it leads to is replaced."""
    named = output.name not in ("", "..")
    return output if named and not output.is_symlink() else output.resolve()


def check(
    source: pathlib.Path,
    output: pathlib.Path,
    preview: pathlib.Path | None,
    *,
    overwrite: bool,
) -> None:
    """Raises before any work is done if its result could not be put in place.

    Args:
      source: the input. output: as `place` gives it. preview: a picture, or None.
      overwrite: whether what stands at `output` may be replaced.

    Raises:
      InputError: the input is the output; a preview inside the output; a folder that
        is a file system of its own.
      ValueError, OSError: as `video.check_output`.
    """
    video.check_output(output, overwrite=overwrite)
    if output.exists() and os.path.samefile(source, output):
        raise cli.InputError(
            f"--output={output} is the input, which would be lost: choose another name"
        )
    if output.is_dir() and os.path.ismount(output):
        raise cli.InputError(
            f"--output={output}: is a mount point, which cannot be replaced; choose a "
            f"folder in it, as {output / 'frames'}"
        )
    for folder in (output, _folder(output)):
        if preview and folder.resolve() in preview.resolve().parents:
            raise cli.InputError(
                f"--preview={preview}: lies in {folder}, of which nothing is kept but "
                "frames; choose another place"
            )


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
    """Removes `OUTPUT.part` if it is ours, no piece is finished, nobody at work there.

    This process may be: it is about to end.
    """
    folder = _folder(output)
    if begun(output) is None:
        return
    lock = filelock.FileLock(folder / _LOCK)
    try:
        if folder not in _held:
            lock.acquire(blocking=False)
    except filelock.Timeout:
        return
    if (folder / _JOURNAL).read_bytes().count(b"\n") < 2:
        shutil.rmtree(folder, ignore_errors=True)
    lock.release()


def _folder(output):
    return output.with_name(output.name + ".part")


def _in_the_way(folder):
    if not folder.exists() or (folder / _JOURNAL).is_file():
        return False
    if not folder.is_dir():
        return True
    return any(path.name != _LOCK for path in folder.iterdir())
