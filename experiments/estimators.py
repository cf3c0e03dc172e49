"""Ways to tell the blur of a shot from the shot alone, by name.

`network` is trained (`experiments.train_kernel_estimator`), `recurrence` compares the
shot with its own reduction (Michaeli and Irani 2013), `spectrum` fits its power
spectrum. What chose between them: `experiments/results/README.md`, "Telling the blur".
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from adavsr_jax import (
    kernel_estimation,
    kernels,
    patch_recurrence,
    pixels,
    spectrum,
)
from experiments import build_estimator, cli, degradations, shipped, trained

NAMES = ("network", "recurrence", "spectrum")
# Told where nothing can be told: in the middle of what is trained on.
FALLBACK = (1.9, 1.9, 0.0)
_DOUBTFUL = 0.35  # expected relative error of a width above which nothing is believed
_WORTH_TELLING = 0.1  # probability of the bicubic kernel
_SURE = 0.9  # of the bicubic kernel: the Gaussian hardly counts


class Found(NamedTuple):
    """The blur of a shot.

    Attributes:
      kernel: float32 `[20, 20]`.
      told: one line for a person: what it is, how sure that is, or why nothing could
        be told and what is assumed instead.
      assumed: whether that is so.
    """

    kernel: np.ndarray
    told: str
    assumed: bool


class Estimator(NamedTuple):
    """`estimate(lr)` gives the `Found` of a shot, uint8 or uint16 `[M, h, w, 3]`.

    `identity` is what a result with it depends on: its name and its weights' sha256.
    """

    identity: str
    estimate: Callable[[np.ndarray], Found]


def load(name: str, directory: str | None = None) -> Estimator:
    """The estimator of a name.

    Args:
      name: one of `NAMES`.
      directory: of `network`, the `--workdir` of its training; None: the shipped one.

    Raises:
      InputError, ValueError: no such name, or no weights there.
    """
    makers = {
        "network": functools.partial(_network, directory),
        "recurrence": functools.partial(_classical, "recurrence", _recurrence),
        "spectrum": functools.partial(_classical, "spectrum", spectrum.estimate),
    }
    if name not in makers:
        raise cli.InputError(f"unknown estimator {name!r}: {', '.join(NAMES)}")
    return makers[name]()


def known(kernel: np.ndarray, told: str) -> Estimator:
    """Where nothing is to be estimated: the same kernel for every shot."""
    return Estimator(told, lambda lr: Found(kernel, told, False))


def choose(kernel: str, name: str, directory: str | None) -> Estimator:
    """What a person asks for: `estimate` by the estimator `name`, or a known kernel.

    `kernel` and errors as of `degradations.load_kernel`, the rest as of `load`.
    """
    if kernel == "estimate":
        return load(name, directory)
    return known(degradations.load_kernel(kernel), kernel)


def assumed(why: str) -> Found:
    """What is told where nothing can be: a Gaussian of 1.9 pixels, and why."""
    kernel = np.asarray(kernels.gaussian(*FALLBACK))
    return Found(kernel, f"{why}: {FALLBACK[0]} pixels are assumed", True)


def of_training(config) -> Callable[[jax.Array], jax.Array] | None:
    """What networks are told while they are trained, where the config asks for it.

    Args:
      config: where `degradation.relation` is `estimated`, the network that comes with
        the project tells the blur.

    Returns:
      Frames `[M, h, w, 3]`, float32 in [0, 1], to a kernel; or None. It can be traced.
    """
    if config.degradation.relation != "estimated":
        return None
    config, params = read(None)
    model = build_estimator.model(config)
    look = functools.partial(kernel_estimation.estimate, model, params)
    return lambda lr: look(pixels.to_uint8(lr)).kernel


def read(directory):
    """`(config, params)` of a run, or, for None, those that come with the project.

    Errors as of `load`.
    """
    if directory is None:
        config, params, _ = shipped.load(
            "kernel_estimator", build_estimator.check, build_estimator.initial_state
        )
    else:
        config, _, params = trained.read_run(
            directory,
            build_estimator.check,
            build_estimator.initial_state,
            "train_kernel_estimator",
        )
    return config, params


def _network(directory):
    config, params = read(directory)
    model = build_estimator.model(config)
    look = jax.jit(functools.partial(kernel_estimation.estimate, model))

    def estimate(lr):
        try:
            seen = kernel_estimation.seen(lr)
        except ValueError as error:
            return assumed(str(error))
        kernel, gaussian, error, bicubic = map(np.asarray, look(params, seen))
        surely_bicubic = bicubic >= _SURE
        # Of the bicubic kernel no width is asked for, nor learned how wrong it is.
        if not (error < _DOUBTFUL or surely_bicubic):
            return assumed(f"the blur cannot be told (expected error {error:.0%})")
        words = f"{describe(gaussian)}, expected error {error:.0%}"
        if bicubic > 0.5:
            likelier = f"bicubic (probability {bicubic:.0%})"
            words = likelier if surely_bicubic else f"{likelier}, or {words}"
        elif bicubic > _WORTH_TELLING:
            words += f", or bicubic (probability {bicubic:.0%})"
        return Found(kernel, words, False)

    return Estimator(f"network {trained.digest(params)}", estimate)


def _recurrence(lr):
    # The same patches for the same shot, always.
    return patch_recurrence.estimate(lr, jax.random.key(0))


def _classical(name, function):
    def estimate(lr):
        try:
            # A part, as of the network: any two lengths would be two programs.
            kernel = np.asarray(function(kernel_estimation.seen(lr)))
        except ValueError as error:
            return assumed(str(error))
        if not np.isfinite(kernel).all():
            return assumed("the blur cannot be told: there is nothing to see")
        return Found(kernel, describe(kernel), False)

    return Estimator(name, estimate)


def describe(kernel: np.ndarray) -> str:
    """A kernel in words: standard deviations in pixels and the wider one's angle."""
    s1, s2, degrees = kernels.moments(kernel)
    return f"{s1:.2f} x {s2:.2f} pixels at {degrees:.0f} degrees"
