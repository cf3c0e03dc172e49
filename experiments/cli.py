"""How every command of ours starts and ends.

Exit status: 0 done; 2 bad arguments, input or surroundings (a full disk, a process that
died), told in one line on stderr; 75 interrupted, the same command resumes; 1 anything
else, with its stack trace.
`--verbosity=1` shows the stack trace behind a one-line error too.
"""

import os
import pathlib
import re
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from absl import app, flags, logging

_BAD_INPUT = 2
_INTERRUPTED = 75
# A config flag reports an unknown or ill-typed field as a plain Python error.
_FLAG_ERRORS = (
    flags.Error,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    OSError,
)


_MISSING = re.compile(r"flag --(\w+)=None: Flag --\w+ must have a value.*")


class InputError(ValueError):
    """What the person typed or gave cannot be used; the text says what to do."""


def run(
    main: Callable[[list[str]], None],
    parse: Callable[[list[str]], list[str]] = flags.FLAGS,
) -> None:
    """Parses the flags, calls `main(argv)` and ends the process by the rules above.

    Call it under `if __name__ == "__main__"`. SIGTERM reaches `main` as a
    `KeyboardInterrupt`, so that `finally` blocks run; a command that saves its state
    on a signal may install a handler of its own.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    sys.excepthook, sys.unraisablehook = _uncaught, _unraisable
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as by `>&-`: nobody wants to hear
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    app.run(
        lambda argv: _guarded(main, argv), flags_parser=lambda argv: _parse(argv, parse)
    )


class StopSignal:
    """Notes SIGINT and SIGTERM for a loop that ends between two steps, state saved.

    A second one interrupts at once.
    """

    def __init__(self):
        self.received = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, signum, frame):
        if self.received:
            raise KeyboardInterrupt
        self.received = True


def make_folder(flag: str, folder: pathlib.Path) -> None:
    """Makes the folder that `--flag` names, or raises an InputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"--{flag}={folder}: the folder cannot be made ({error.strerror}); choose "
            "another"
        ) from error
    if not os.access(folder, os.W_OK):
        raise InputError(
            f"--{flag}={folder}: the folder cannot be written to; choose another"
        )


def _uncaught(kind, error, trace):
    """Silence for what TensorStore's threads say of a save that failed and is told."""
    if not _is_told(error):
        sys.__excepthook__(kind, error, trace)


def _unraisable(happening):
    if not _is_told(happening.exc_value):
        sys.__unraisablehook__(happening)


def _is_told(error):
    return str(error) == "Event loop is closed"


def leave_at_once(status: int) -> NoReturn:
    """Ends the process, what it said told, without Python's own end."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _interrupt(signum, frame):
    raise KeyboardInterrupt


def _guarded(main, argv):
    if not flags.FLAGS["verbosity"].present:
        logging.set_verbosity(logging.WARNING)  # libraries tell of every file
        logging.get_absl_logger().addFilter(_is_news)
    try:
        if argv[1:]:
            raise InputError(f"unexpected argument {argv[1]!r}: flags look like --a=b")
        main(argv)
    except (ValueError, OSError) as error:
        logging.debug("the error in full", exc_info=True)
        _fail(error)
    except MemoryError as error:
        _fail(
            f"out of memory ({error or 'no more is to be had'}): ask for less at once"
        )
    except KeyboardInterrupt:
        _end("interrupted: give the same command to go on", _INTERRUPTED)


def _is_news(record):
    """False of what Orbax's threads log with a trace: it is raised too."""
    return not (record.exc_info and "orbax" in record.pathname)


def _parse(argv, parse):
    try:
        return parse(argv)
    except _FLAG_ERRORS as error:
        _fail(error)


def _fail(error: Exception | str):
    # str() of a KeyError puts its words in quotes.
    words = error.args[0] if isinstance(error, KeyError) and error.args else error
    text = _MISSING.sub(_missing, str(words))
    _end("error: " + " ".join(text.split()), _BAD_INPUT)


def _end(line, status):
    print(line, file=sys.stderr)
    # Not sys.exit: Python's own end crashes where JAX was stopped as it compiled, and
    # threads of a failed restore print their traces. Who writes has closed by now.
    leave_at_once(status)


def _missing(match):
    """A required flag that is not there, in our words and with its help."""
    name = match[1]
    return f"--{name} is missing ({flags.FLAGS[name].help})"
