"""Weights that come with the project: `adavsr_jax/weights/NAME.npz` and `NAME.json`.

The arrays lie under their paths; the card beside them says what they are of: config,
training, results, sha256.
"""

import functools
import json
import pathlib
import zipfile
import zlib

import jax
import ml_collections
import numpy as np

from experiments import build, checks, cli, outputs, trained

# What reading a file that a bit or its end is missing from may raise.
_DAMAGE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)
# Networks that come with the project: for any machine, and for GPUs.
SIZES = ("s", "b")
_FOLDER = pathlib.Path(__file__).parent.parent / "adavsr_jax" / "weights"


def save(name: str, config, params, step: int, *, half: bool = False) -> str:
    """Writes weights of an outer step and their card; arrays lie under their paths.

    `half` rounds them to float16. Returns the sha256 of what will be loaded.
    """
    _FOLDER.mkdir(exist_ok=True)
    if half:
        params = jax.tree.map(lambda leaf: leaf.astype(np.float16), params)
    arrays = {
        jax.tree_util.keystr(path, simple=True, separator="/"): np.asarray(leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(params)
    }
    with (_FOLDER / f"{name}.npz").open("wb") as file:
        np.savez_compressed(file, **arrays)
    sha256 = trained.digest(jax.tree.map(_loaded, params))
    card = {"sha256": sha256, "step": step, "config": config.to_dict()}
    text = json.dumps(card, indent=1, default=list)
    outputs.write(_FOLDER / f"{name}.json", text)
    return sha256


def size() -> str:
    """Which of `SIZES` suits this machine: `b` takes 12.5 times the work of `s`."""
    return "s" if jax.default_backend() == "cpu" else "b"


def network(run: str = "s") -> trained.Trained:
    """The networks of a run, or, by one of `SIZES`, those that come with the project.

    Errors as of `trained.load` and `load`.
    """
    if run not in SIZES:
        return trained.load(run)
    config, params, step = load(f"network_{run}", checks.check, build.initial_state)
    return trained.Trained(params, step, trained.digest(params), config)


def load(name: str, check, initial_state):
    """`(config, params, step)` of shipped weights.

    Args:
      name: of the files.
      check, initial_state: of their configs, see `trained.read_run`.

    Raises an InputError where a file is missing or damaged.
    """
    path = _FOLDER / f"{name}.npz"
    try:
        card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        config = ml_collections.ConfigDict(card["config"])
        check(config)
        like = jax.eval_shape(lambda: initial_state(config)).params
        expected, step = card["sha256"], card["step"]
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            read = functools.partial(_read, arrays)
            params = jax.tree_util.tree_map_with_path(read, like)
    except _DAMAGE as error:
        raise cli.InputError(
            f"{path}: the weights that come with the project cannot be read "
            f"({error}); check the project out again"
        ) from error
    found = trained.digest(params)
    if found != expected:
        raise cli.InputError(
            f"{path}: sha256 of the weights is {found}, the card says "
            f"{expected}; check the project out again"
        )
    return config, params, step


def _read(arrays, path, like):
    name = jax.tree_util.keystr(path, simple=True, separator="/")
    array = arrays[name]
    if array.shape != like.shape:
        raise ValueError(f"{name} is {array.shape}, the card's network {like.shape}")
    return _loaded(array)


def _loaded(array):
    return np.asarray(array, np.float32)
