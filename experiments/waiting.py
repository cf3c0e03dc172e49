"""How much of a training loop's time goes into waiting for data."""

import time
from collections.abc import Callable, Iterator

import jax


class Waiting:
    """Counts the seconds in which nothing computes because a batch is not there.

    Steps on an accelerator are dispatched ahead: a wait that ends while it still works
    on the step before costs nothing and is not counted. One that ends later counts
    whole, so that the share is never told too small.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self.restart()

    def restart(self) -> None:
        """Begins a new stretch of steps, after what is no step: saving, validation."""
        self._began, self._waited = self._clock(), 0.0

    def next(self, batches: Iterator, before: jax.Array):
        """The next batch; `before` is a result of the step before, on its devices."""
        began = self._clock()
        batch = next(batches)
        if before.is_ready():
            self._waited += self._clock() - began
        return batch

    def share(self) -> float:
        """Waiting over all time since the stretch began, in [0, 1]; begins another."""
        passed = self._clock() - self._began
        share = self._waited / passed if passed else 0.0
        self.restart()
        return share
