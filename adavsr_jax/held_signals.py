"""Signals that wait while worker processes are started.

Half started, a worker would end with a trace. It begins with what its parent's thread
holds back, until it has learned what to ignore.
"""

import contextlib
import signal
import threading

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def held():
    """Within: SIGINT and SIGTERM wait; this process has them at the end."""
    noted = []
    with _noting(noted):
        _hold(True)
        try:
            yield
        finally:
            _hold(False)
    for number in noted:
        signal.raise_signal(number)


def ignore(*numbers):
    """In a worker that was started so: ignores these signals, lets others come."""
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
    _hold(False)


@contextlib.contextmanager
def _noting(noted):
    """Another thread may still take a signal, and Python hands it to the first one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, lambda number, _: noted.append(number))
        for number in SIGNALS
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hold(held):
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        how = signal.SIG_BLOCK if held else signal.SIG_UNBLOCK
        signal.pthread_sigmask(how, SIGNALS)
