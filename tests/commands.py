"""A command in a process of its own, for tests: as a person would start it."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent


def run(module, *arguments, **environment):
    """What `python -m MODULE ARGUMENTS` on one device says and ends with."""
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"JAX_NUM_CPU_DEVICES": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
