"""No room left where a run writes: one line, whoever of several writers met it."""

import contextlib
import errno
import pathlib
from collections.abc import Iterator

from experiments import cli

_NUMBERS = {errno.ENOSPC, errno.EDQUOT}
# Orbax writes by TensorStore, whose errors have words and no number.
_WORDS = ("No space left on device", "Disk quota exceeded")


@contextlib.contextmanager
def told(workdir: pathlib.Path) -> Iterator[None]:
    """Within: an error of a full disk becomes an InputError that says what is kept.

    Args:
      workdir: of the run, its `checkpoints` in it.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        if not _is_met(error):
            raise
        steps = [
            int(path.name)
            for path in (workdir / "checkpoints").glob("*")
            if path.name.isdecimal()
        ]
        kept = f"step {max(steps)} is saved" if steps else "no step is saved yet"
        raise cli.InputError(
            f"--workdir={workdir}: no space left on the disk; {kept}: make room and "
            "give the same command to go on"
        ) from error


def _is_met(error):
    return getattr(error, "errno", None) in _NUMBERS or any(
        words in str(error) for words in _WORDS
    )
