"""How a shot is looked at, learned from and restored: Algorithm 2 on one shot."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from adavsr_jax import passes
from experiments import estimators, trained

_LEAST_SIDE = 4  # pixels: smaller frames cannot be reduced, to be learned from
_LOOK_BYTES = 2**29  # of frames of a shot that are seen before it is restored
_FEWEST_FRAMES = 8


class Taught(NamedTuple):
    """What was learned from a shot.

    Attributes:
      params: weights. kernel: `[20, 20]`, its blur. words: of both, for a person.
    """

    params: Any
    kernel: np.ndarray
    words: str


def look(config, frame_bytes: int) -> int:
    """How many frames of a shot are seen, and its blur told of, before it is restored.

    `config` is of the weights.
    """
    most = 2 * config.internal.max_frames
    return int(min(max(_LOOK_BYTES // frame_bytes, _FEWEST_FRAMES), most))


@dataclasses.dataclass(frozen=True)
class Method:
    """One way to restore shots.

    Attributes:
      weights: a `trained.Trained`.
      blur: tells of frames, `[M, h, w, 3]`, what they went through; `estimate` of an
        estimator, or of a kernel that is known (`estimators.known`).
      steps: gradient steps of internal learning at most; held-out patches choose.
      back_projections: see `trained.Trained.restore`.
      plan: a `passes.Plan`.
    """

    weights: trained.Trained
    blur: Callable[[np.ndarray], estimators.Found]
    steps: int
    back_projections: int
    plan: passes.Plan

    def look(self, frame_bytes: int) -> int:
        """See `look`."""
        return look(self.weights.config, frame_bytes)

    def learn(self, frames: np.ndarray) -> Taught:
        """Tells the blur and adapts; `frames [M, h, w, 3]` are a shot's, or its first.

        Where there is nothing to learn from, the words say why.
        """
        found = self.blur(frames)
        params, words = self._adapted(frames, found.kernel)
        return Taught(params, found.kernel, f"blur: {found.told}; {words}")

    def restore(
        self, taught: Taught, frames: Iterable[np.ndarray], first: int = 0
    ) -> Iterator[np.ndarray]:
        """The frames of a shot; arguments as of `trained.Trained.restore`."""
        return self.weights.restore(
            taught.params,
            frames,
            taught.kernel,
            back_projections=self.back_projections,
            plan=self.plan,
            first=first,
        )

    def _adapted(self, frames, kernel):
        weights = self.weights
        if not self.steps:
            return weights.params, "not adapted"
        if min(frames.shape[1:3]) < _LEAST_SIDE:
            why = f"its frames are below {_LEAST_SIDE} x {_LEAST_SIDE}"
        elif len(frames) < 2:
            why = "a single frame has no time to learn from"
        else:
            learned = weights.adapt(weights.params, frames, kernel, self.steps)
            errors, taken = np.asarray(learned.held_out), int(learned.steps)
            gain = 10 * np.log10(errors[0] / errors[taken]) if taken else 0.0
            words = f"{taken} of {self.steps} steps, held-out patches {gain:+.2f} dB"
            return learned.params, words
        return weights.params, f"not adapted, {why}"
