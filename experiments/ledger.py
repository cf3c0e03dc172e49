"""Work in units, each written down when it is done: a killed command goes on."""

import json
import os
import pathlib

from experiments import cli

_NOT_OURS = "is not a file of ours; choose another --output"


class Ledger:
    """`path`, a line of JSON for the settings and then one a unit.

    A unit has a key, a list of plain values, and what came of it. A line that a kill
    cut short is dropped; the unit is done again.
    """

    def __init__(self, path: pathlib.Path, settings: dict):
        """Opens `path`, or begins it.

        Raises an InputError where it is of other settings or not of ours.
        """
        self._done = {}
        data = path.read_bytes() if path.exists() else b""
        *whole, cut = data.split(b"\n")
        if whole:
            _check_settings(path, whole[0], settings)
        elif not _line(settings).startswith(cut):
            raise cli.InputError(f"{path}: {_NOT_OURS}")
        for number, line in enumerate(whole[1:], start=2):
            try:
                entry = json.loads(line)
                self._done[_name(entry["key"])] = entry["found"]
            except (ValueError, LookupError, TypeError) as error:
                raise cli.InputError(
                    f"{path}: line {number} is damaged; remove the file to start "
                    "again, or choose another --output"
                ) from error
        if cut:
            os.truncate(path, len(data) - len(cut))
        self._file = path.open("ab")
        if not whole:
            self._write(settings)

    def found(self, key: list):
        """What came of a unit, or None if it is not done."""
        return self._done.get(_name(key))

    def add(self, key: list, found) -> None:
        """Writes down what came of a unit, on the disk when this returns."""
        self._write({"key": key, "found": found})
        self._done[_name(key)] = found

    def close(self) -> None:
        """Lets go of the file; all that was added is on the disk already."""
        self._file.close()

    def _write(self, entry):
        self._file.write(_line(entry))
        self._file.flush()
        os.fsync(self._file.fileno())


def _line(entry):
    return (json.dumps(entry, allow_nan=False) + "\n").encode()


def _name(key):
    return json.dumps(key)


def _check_settings(path, line, now):
    try:
        before = json.loads(line)
    except ValueError:
        before = None
    if not isinstance(before, dict):
        raise cli.InputError(f"{path}: {_NOT_OURS}")
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            raise cli.InputError(
                f"{path}: was begun with {name} {before.get(name)!r}, now it is "
                f"{now.get(name)!r}; give the same, or choose another --output"
            )
