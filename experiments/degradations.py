"""The kernels that a person names: those of `kernels.json`, and `.npy` files.

`kernels.json` holds parameters, in high-resolution pixels and degrees from +x toward
+y, of the sixteen kernels that every published table of ours uses.
"""

import json
import pathlib

import numpy as np

from adavsr_jax import kernels
from experiments import cli

_FILE = pathlib.Path(__file__).with_name("kernels.json")
_MAKERS = {
    "bicubic": kernels.bicubic,
    "gaussian": kernels.gaussian,
    "motion": kernels.motion,
    "disk": kernels.disk,
    "irregular": kernels.irregular,
}


def names() -> list[str]:
    """The names in `kernels.json`, in its order."""
    return list(json.loads(_FILE.read_text()))


def load_kernel(name: str) -> np.ndarray:
    """The kernel, float32 `[20, 20]`, of a name in `kernels.json` or an `.npy` file.

    Raises an InputError for an unknown name or a file that is not there, and an
    InputError or ValueError for a file that holds no kernel.
    """
    if name.endswith(".npy"):
        return kernels.check(_read(name), name)
    known = json.loads(_FILE.read_text())
    if name not in known:
        raise cli.InputError(
            f"unknown kernel {name!r}: give a .npy file or one of {', '.join(known)}"
        )
    parameters = known[name]
    make = _MAKERS[parameters.pop("kind")]
    if "degrees" in parameters:
        parameters["angle"] = np.deg2rad(parameters.pop("degrees"))
    return np.asarray(make(**parameters))


def _read(path):
    try:
        with open(path, "rb") as file:
            array = np.load(file, allow_pickle=False)
    except FileNotFoundError as error:
        raise cli.InputError(f"{path}: no such kernel file") from error
    # A header may promise more than there is, in the file or in memory.
    except (ValueError, EOFError, OSError, MemoryError) as error:
        raise cli.InputError(f"{path}: cannot be read as a .npy file") from error
    if not isinstance(array, np.ndarray):
        raise cli.InputError(f"{path}: holds several arrays; save one with numpy.save")
    return array
