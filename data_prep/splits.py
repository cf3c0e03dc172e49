"""What a data set gives to the builder of shards."""

import collections
import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Iterator

import numpy as np


@dataclasses.dataclass(frozen=True)
class Split:
    """One split of a data set. It can be pickled: worker processes read the clips.

    Attributes:
      parts: what can be read by itself, in the order of the clips; strings, or tuples
        of strings and numbers.
      clips: `clips(parts, dropped)` reads some of the parts, in the order given, and
        yields `(id, clip)`, one at a time: an id that no other clip of the split has,
        and uint8 `[T, H, W, 3]` or the bytes that `records.encode` makes of it. The
        same clips each time. What it leaves out it counts in `dropped`.
      files: `files(part)` lists the files that a part is read from.
      one_each: whether each part gives one clip. If not, how many there are is known
        when all are read.
      dropped: reason -> how many stills, shots or clips of the source were left out.
    """

    parts: list
    clips: Callable[[list, collections.Counter], Iterator[tuple[str, np.ndarray]]]
    files: Callable[..., Iterable[pathlib.Path]]
    one_each: bool = True
    dropped: collections.Counter = dataclasses.field(
        default_factory=collections.Counter
    )
