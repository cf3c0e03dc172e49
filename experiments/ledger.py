"""Work in units, each written down when it is done: a killed command goes on."""

import json
import os
import pathlib

from experiments import cli


class Ledger:
    """`path`, a line of JSON for the settings and then one a unit.

    A unit has a key, a list of plain values, and what came of it. A line that a kill
    cut short is dropped; the unit is done again.
    """

    def __init__(self, path: pathlib.Path, settings: dict):
        """Opens `path`, or begins it.

        Raises an InputError where it is of other settings or not of ours.
        """
        self._path = path
        self._done = {}
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        lines = text.splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]
        try:
            entries = [json.loads(line) for line in whole]
            for entry in entries[1:]:
                self._done[_name(entry["key"])] = entry["found"]
        except (ValueError, LookupError, TypeError) as error:
            raise cli.InputError(
                f"{path}: line {len(self._done) + 2} is damaged; remove the file to "
                "start again, or choose another --output"
            ) from error
        if entries and entries[0] != settings:
            raise cli.InputError(f"{path}: {_difference(entries[0], settings)}")
        if len(whole) < len(lines):
            os.truncate(path, len("".join(whole).encode()))
        self._file = path.open("a", encoding="utf-8")
        if not entries:
            self._write(settings)

    def found(self, key: list):
        """What came of a unit, or None if it is not done."""
        return self._done.get(_name(key))

    def add(self, key: list, found) -> None:
        """Writes down what came of a unit, on the disk when this returns."""
        self._write({"key": key, "found": found})
        self._done[_name(key)] = found

    def close(self) -> None:
        self._file.close()

    def _write(self, entry):
        self._file.write(json.dumps(entry, allow_nan=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def _name(key):
    return json.dumps(key)


def _difference(before, now):
    if not isinstance(before, dict):
        return "is not a file of ours; choose another --output"
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            return (
                f"was begun with {name} {before.get(name)!r}, now it is "
                f"{now.get(name)!r}; give the same, or choose another --output"
            )
    return "differs"
