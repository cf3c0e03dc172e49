"""How the commands of this package start, and how they end on bad input."""

import os
import re
import signal
import sys

from absl import app, flags

_INTERRUPTED = 75
_MISSING = re.compile(r"flag --(\w+)=None: Flag --\w+ must have a value.*")


def run(main):
    """Parses the flags, runs `main()` and ends the process.

    Status 0: done. Status 2: bad flags or bad input, told in one line on stderr
    (whatever raised ValueError or OSError). Status 75: interrupted by Ctrl-C or
    SIGTERM, nothing left behind but what the line on stderr names. Other errors keep
    their trace, status 1.
    """
    # A kill unwinds like any exception, so that nothing half-written stays.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app.run(lambda argv: _guarded(main, argv), flags_parser=_parse)


def _parse(argv):
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        _refuse(_MISSING.sub(_missing, str(error)))


def _missing(match):
    """A required flag that is not there, in our words and with its help."""
    name = match[1]
    return f"--{name} is missing ({flags.FLAGS[name].help})"


def _guarded(main, argv):
    if len(argv) > 1:
        _refuse(f"unexpected argument {argv[1]!r}: flags are written --name=value")
    try:
        main()
        return
    except (ValueError, OSError) as error:
        _refuse(error)
    except KeyboardInterrupt as error:
        told = str(error) or "nothing was written"
    # Out here nothing holds the frames of `main`, so that what they held is freed.
    print(f"interrupted: {told}", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: libraries that were stopped at work may interrupt Python's own end
    # once more, and the status would be theirs. All is cleared away by now.
    os._exit(_INTERRUPTED)


def _refuse(reason):
    print(f"error: {' '.join(str(reason).split())}", file=sys.stderr)
    sys.exit(2)
