"""What a person looks at first: crops before and after, and the blur that was told."""

import numpy as np

from adavsr_jax import code_depths
from experiments import figures

_SHOTS = 4  # of a video: more make a sheet that nobody reads
_SIDE = 48  # input pixels of a crop
_ZOOM = 2


class Preview:
    """Gathers a crop of each of the first few shots; `save` draws them."""

    def __init__(self, path):
        self._path, self._rows = path, []

    def see(self, shot, before, after, kernel) -> None:
        """Takes a frame `[h, w, 3]` of a shot and what became of it, `[4h, 4w, 3]`."""
        if len(self._rows) == _SHOTS:
            return
        before, after = (code_depths.to_8_bits(frame) for frame in (before, after))
        side = min(_SIDE, *before.shape[:2])
        y, x = _window(before, side)
        held = before[y : y + side, x : x + side].repeat(4, axis=0).repeat(4, axis=1)
        y, x, large = 4 * y, 4 * x, 4 * side
        crops = [
            ("before", held),
            ("after", after[y : y + large, x : x + large]),
            ("blur", _kernel(kernel, large)),
        ]
        self._rows.append((f"shot {shot}", crops))

    def save(self) -> None:
        """Draws the sheet; nothing where nothing was seen."""
        if not self._rows:
            return
        # One size for all: a sheet's rows are of crops alike.
        figures.compare(self._path, self._rows, zoom=_ZOOM)


def _window(frame, side):
    """`(top, left)` of the crop with most detail."""
    if side < 2:
        return 0, 0
    return tuple(part.start for part in figures.detailed_window(frame, side))


def _kernel(kernel, side):
    """A kernel `[20, 20]` as a picture of `side` pixels, its highest tap white."""
    tones = np.clip(255 * kernel / kernel.max(), 0, 255).astype(np.uint8)
    which = np.arange(side) * len(tones) // side
    return tones[which][:, which, None].repeat(3, axis=-1)
