"""What a data set gives to the builder of shards."""

import collections
import dataclasses
from collections.abc import Callable, Iterator

import numpy as np


@dataclasses.dataclass(frozen=True)
class Split:
    """One split of a data set.

    Attributes:
      count: how many clips `clips` yields, known before any is made, because the name
        of a shard tells how many shards there are.
      clips: starts a new iterator of `(id, clip)`: an id that no other clip of the
        split has, and uint8 `[T, H, W, 3]`. The same clips each time.
      dropped: reason -> how many clips, shots or stills of the source were left out.
    """

    count: int
    clips: Callable[[], Iterator[tuple[str, np.ndarray]]]
    dropped: collections.Counter = dataclasses.field(
        default_factory=collections.Counter
    )
