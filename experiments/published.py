"""Published results, looked up: kernels by kind, entries by what they hold for."""

import json
import pathlib

KERNELS = json.loads(
    pathlib.Path(__file__).with_name("kernels.json").read_text(encoding="utf-8")
)
GAUSSIANS = [name for name, what in KERNELS.items() if what["kind"] == "gaussian"]
OTHERS = [name for name in KERNELS if name not in (*GAUSSIANS, "bicubic")]


def one(found, part="means", **wanted):
    """The first entry that agrees with what is wanted, or None."""
    for entry in found[part]:
        if all(entry.get(name) == value for name, value in wanted.items()):
            return entry
    return None


def decibel(value):
    """A value in dB as tables have it, or a dash for None."""
    return "-" if value is None else f"{value:.3f}"
