"""What a published figure must carry: how, with what and on what it was made."""

import datetime
import importlib.metadata
import pathlib
import platform
import subprocess
import sys

import jax

from experiments import cores

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "scipy", "av")


def collect() -> dict:
    """Command, commit, versions, hardware and time of this process, JSON-ready."""
    return {
        "command": ["python", "-m", *_module(), *sys.argv[1:]],
        "commit": _commit(),
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in _PACKAGES},
        },
        "hardware": {
            "devices": [device.device_kind for device in jax.devices()],
            "processor": _processor(),
            "cores": cores.count(),
        },
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _module():
    program = pathlib.Path(sys.argv[0])
    return [f"{program.parent.name}.{program.stem}"]


def _commit():
    """The commit of the working tree, `+changes` behind it if there are any."""
    here = pathlib.Path(__file__)
    git = ["git", "-C", str(here.parent)]
    try:
        # Installed, it may lie in a checkout of something else.
        _output([*git, "ls-files", "--error-unmatch", here.name])
        head = _output([*git, "rev-parse", "HEAD"])
        changed = _output([*git, "status", "--porcelain", "--untracked-files=no"])
    except (OSError, subprocess.CalledProcessError):
        return "unknown: not a git checkout"
    return head + ("+changes" if changed else "")


def _output(command):
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _processor():
    information = pathlib.Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
