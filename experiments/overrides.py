"""Values of a config that are given on the command line, looked at before absl does.

`ml_collections` reports a field that is not there without its path, a value of a wrong
type in Python's words, and a missing file at its first use.
"""

import difflib
import re

from absl import flags

from experiments import cli

_OVERRIDE = re.compile(r"--?(?:no)?config\.([\w.]+)(?:=(.*))?", re.DOTALL)
_SINGLE = re.compile(r"(--?config\.[\w.]+)\[.*", re.DOTALL)
_NUMBERS = {int: "a whole number", float: "a number"}


def parse(argv: list[str]) -> list[str]:
    """Parses all flags of a command that has `--config`; what is left of `argv`.

    Raises:
      InputError: no such config file; a field that it does not have, with the nearest
        that it has; one value of a tuple; not a number where one is.
    """
    flags.FLAGS["config"].default_as_str = None  # --help would tell of one, 'None'
    paths = [arg.split("=", 1)[1] for arg in argv if re.match("--?config=", arg)]
    if paths:
        config = _load(paths[-1])
        for single in filter(None, map(_SINGLE.match, argv)):
            raise cli.InputError(
                f"{single[0]}: one value of several cannot be given alone; give all, "
                f"{single[1]}=\"('a', 'b')\""
            )
        for override in filter(None, map(_OVERRIDE.fullmatch, argv)):
            _check(config, *override.groups())
    return flags.FLAGS(argv)


def _load(path):
    try:
        with open(path.split(":", 1)[0], "rb"):
            return flags.FLAGS["config"].parser.parse(path)
    except OSError as error:
        raise cli.InputError(
            f"--config={path}: no config file can be read there ({error.strerror}); "
            "ours are experiments/configs/*.py"
        ) from error
    except Exception as error:  # a config is a program of the person's own
        last = str(error).strip().splitlines()[-1:] or [""]
        raise cli.InputError(
            f"--config={path}: the file fails with {type(error).__name__}: {last[0]}"
        ) from error


def _check(config, path, text):
    section, value = "config", config
    for name in path.split("."):
        if not hasattr(value, "keys") or name not in value:
            known = list(value) if hasattr(value, "keys") else []
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has: {_list(known)}"
            raise cli.InputError(f"--config.{path}: {section} has no {name!r}; {hint}")
        section, value = f"{section}.{name}", value[name]
    if text is None or type(value) not in _NUMBERS:
        return
    try:
        type(value)(text)
    except ValueError as error:
        raise cli.InputError(
            f"--config.{path} must be {_NUMBERS[type(value)]}, as {value}; got {text!r}"
        ) from error


def _list(names):
    return ", ".join(names) or "nothing, it is a value"
