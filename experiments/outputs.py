"""What commands that measure leave and say: whole files, lines with the time."""

import pathlib
import time

from experiments import cli


def file(flag: str, value: str, suffix: str) -> pathlib.Path:
    """The path of `--flag`, its folder made; an InputError if it ends otherwise."""
    path = pathlib.Path(value)
    if path.suffix != suffix:
        raise cli.InputError(f"--{flag}={path}: must end in {suffix}")
    cli.make_folder(flag, path.resolve().parent)
    return path


def write(path: pathlib.Path, text: str) -> None:
    """Writes `text` and a newline, beside `path` first: never half a file there."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text + "\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def teller():
    """Prints lines, each with the seconds since this call."""
    began = time.monotonic()
    return lambda line: print(f"{time.monotonic() - began:6.0f} s  {line}", flush=True)
