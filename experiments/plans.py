"""What `evaluate` is asked to do: its flags, checked before any work is done."""

import pathlib
from typing import NamedTuple

import numpy as np
from absl import flags

from adavsr_jax import niqe
from experiments import (
    cli,
    clips,
    degradations,
    estimators,
    pristine,
    protocols,
    rows,
    shipped,
    trained,
)

_CLIPS = flags.DEFINE_string(
    "clips", None, "Folder of video files or frame folders; or SHARDS:SPLIT."
)
_LISTS = flags.DEFINE_list(
    "lists",
    "",
    "Text files that name the clips, one a line; by default all clips are taken.",
)
_ROWS = flags.DEFINE_list(
    "rows",
    "trilinear",
    "What restores: trilinear, shipped and shipped_b (the weights that come with the"
    f" project), names of --weights, or NAME/WAY of {', '.join(rows.WAYS)}.",
)
_KERNELS = flags.DEFINE_list(
    "kernels", "bicubic", "Blurs: names in experiments/kernels.json, or .npy files."
)
_MODES = flags.DEFINE_list(
    "kernel_mode", "oracle", "What is told of the blur: oracle, estimated, bicubic."
)
_ESTIMATOR = flags.DEFINE_enum(
    "estimator", "network", estimators.NAMES, "What --kernel_mode=estimated does."
)
_ESTIMATOR_WEIGHTS = flags.DEFINE_string(
    "estimator_weights",
    None,
    "The --workdir of a run of train_kernel_estimator, for --estimator=network; by"
    " default the weights that come with the project.",
)
_PROTOCOLS = flags.DEFINE_list(
    "protocols", "all", f"Which frames count: {', '.join(protocols.NAMES)}."
)
_STEPS = flags.DEFINE_list(
    "steps",
    "0,5",
    "Numbers of adaptation steps, 0 or more, or auto: as held-out patches choose.",
)
_PREDICTIONS = flags.DEFINE_string(
    "predictions", None, "Folder of restored clips, scored as a row of its name."
)
_WEIGHTS = flags.DEFINE_list(
    "weights",
    "",
    "The --workdir of a run of meta_train, the row ours; or NAME=RUN,NAME=RUN.",
)
_PRISTINE = flags.DEFINE_string(
    "pristine",
    None,
    "Published parameters of NIQE (.npz, .mat), or installed: those of a package that"
    " has them; NIQE is left out without.",
)
_KERNEL_MODES = ("oracle", "estimated", "bicubic")


# Rows and units of `evaluate` itself.
_OURS = ("trilinear", "estimate")


class Plan(NamedTuple):
    """All of it, loaded."""

    source: str  # of the clips, as named from anywhere
    clips: list[clips.Clip]
    rows: list[str]
    kernels: dict[str, np.ndarray]
    modes: list[str]
    protocols: list[str]
    steps: list[int | str]
    predictions: dict[str, pathlib.Path]  # of each clip, or of none
    predictions_row: str | None
    weights: dict[str, trained.Trained]
    estimator: estimators.Estimator | None
    pristine: niqe.Pristine | None


def read() -> Plan:
    """The plan of the flags; an InputError or ValueError names what cannot be used."""
    names = [pathlib.PurePath(name).name for name in _KERNELS.value]
    if not names or len(set(names)) < len(names):
        raise cli.InputError(f"--kernels={','.join(names)}: name each kernel once")
    if _PREDICTIONS.value and len(names) > 1:
        raise cli.InputError(
            f"--predictions are of one kernel, and --kernels names {len(names)}: give "
            "the one that they were made with"
        )
    runs = _runs()
    chosen = _rows(runs) if _ROWS.value or not _PREDICTIONS.value else []
    modes = _choice(_MODES, _KERNEL_MODES)
    loaded = [degradations.load_kernel(name) for name in _KERNELS.value]
    found = clips.find(_CLIPS.value, _LISTS.value)
    used = {name: runs[name] for name in map(weights_of, chosen) if name in runs}
    estimator = None
    if "estimated" in modes:
        estimator = estimators.load(_ESTIMATOR.value, _ESTIMATOR_WEIGHTS.value)
    steps = _steps(_STEPS.value)
    scratch = [row for row in chosen if row.endswith("/scratch")]
    if scratch and not set(steps) - {0, "auto"}:
        raise cli.InputError(
            f"--steps={','.join(_STEPS.value)}: {scratch[0]} learns from nothing else; "
            "give a number above 0 too"
        )
    return Plan(
        source=clips.place(_CLIPS.value),
        clips=found,
        rows=chosen,
        kernels=dict(zip(names, loaded, strict=True)),
        modes=modes,
        protocols=_choice(_PROTOCOLS, protocols.NAMES),
        steps=steps,
        predictions=_predictions(found, chosen),
        predictions_row=_PREDICTIONS.value and _predictions_row(),
        weights={name: shipped.network(run) for name, run in used.items()},
        estimator=estimator,
        pristine=_pristine(),
    )


def _runs():
    """`{name: folder}` of `--weights`, and what comes with the project, by its size."""
    runs = {"shipped": "s", "shipped_b": "b"}
    for word in _WEIGHTS.value:
        name, is_named, folder = word.partition("=")
        name, folder = (name, folder) if is_named else ("ours", word)
        if name in ("", *runs, *_OURS) or "/" in name:
            raise cli.InputError(f"--weights={word}: {name!r} cannot name this row")
        runs[name] = folder
    return runs


def _rows(runs):
    """The words of `--rows`, each known and there once."""
    if not _ROWS.value:
        raise cli.InputError("--rows: nothing named")
    known = {"trilinear", *runs}
    known |= {f"{name}/{way}" for name in runs for way in rows.WAYS}
    for row in _ROWS.value:
        if row not in known:
            raise cli.InputError(
                f"--rows: {row!r} is not known: choose of trilinear, {', '.join(runs)},"
                f" or NAME/WAY with a way of {', '.join(rows.WAYS)}; another name needs"
                " --weights=NAME=DIR, a run of meta_train"
            )
    return list(dict.fromkeys(_ROWS.value))


def weights_of(row: str) -> str:
    """The name of the weights that a row is of."""
    return row.partition("/")[0]


def _choice(flag, known):
    """The words of a list flag, each one known and there once."""
    unknown = [word for word in flag.value if word not in known]
    if unknown or not flag.value:
        found = f"unknown {unknown[0]!r}" if unknown else "nothing named"
        raise cli.InputError(f"--{flag.name}: {found}; choose of {', '.join(known)}")
    return list(dict.fromkeys(flag.value))


def _steps(words):
    """Numbers of steps, each once, or `auto`."""
    for word in words:
        if word != "auto" and not word.isdecimal():
            raise cli.InputError(
                f"--steps: {word!r} is not a number of steps, 0 or more, or auto"
            )
    if not words:
        raise cli.InputError("--steps: nothing named; give numbers of steps, as 0,5")
    numbers = [word if word == "auto" else int(word) for word in words]
    return list(dict.fromkeys(numbers))


def _predictions(found, chosen):
    if not _PREDICTIONS.value:
        return {}
    folder = pathlib.Path(_PREDICTIONS.value)
    if _predictions_row() in (*chosen, *_OURS):
        raise cli.InputError(
            f"--predictions={folder}: its row would be named as one of --rows; rename "
            "the folder"
        )
    return {clip.name: rows.find_prediction(folder, clip.name) for clip in found}


def _predictions_row():
    return pathlib.Path(_PREDICTIONS.value).resolve().name


def _pristine():
    if not _PRISTINE.value:
        return None
    if _PRISTINE.value != "installed":
        return pristine.load(_PRISTINE.value)
    found = pristine.load(None)
    if not found:
        raise cli.InputError(
            "--pristine=installed: no installed package has the parameters of NIQE; "
            "give their file, niqe_pris_params.npz or modelparameters.mat"
        )
    return found
