"""How the commands of this package start, and how they end on bad input."""

import signal
import sys

from absl import app, flags


def run(main):
    """Parses the flags, runs `main()` and ends the process.

    Status 0: done. Status 2: bad flags or bad input, told in one line on stderr
    (whatever raised ValueError or OSError). Other errors keep their trace, status 1.
    """
    # A kill unwinds like any exception, so that nothing half-written stays.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    app.run(lambda argv: _guarded(main, argv), flags_parser=_parse)


def _parse(argv):
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        _refuse(error)


def _guarded(main, argv):
    if len(argv) > 1:
        _refuse(f"unexpected argument {argv[1]!r}: flags are written --name=value")
    try:
        main()
    except (ValueError, OSError) as error:
        _refuse(error)


def _refuse(reason):
    print(f"error: {' '.join(str(reason).split())}", file=sys.stderr)
    sys.exit(2)
