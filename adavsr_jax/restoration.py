"""Algorithm 2, line 6: adapted weights restore a shot, window by window in time."""

import numpy as np


def restore(network, lr, *, radius, window=16):
    """Yields the restored frames of one shot in order, memory bounded by the window.

    Windows overlap by the network's own temporal radius, so that the result is that of
    the whole shot at once; all have one length, so that one program serves them.

    Args:
      network: `uint8 [L, h, w, 3] -> uint8 [2L-1, 4h, 4w, 3]`, any L >= 1.
      lr: `[M, h, w, 3]` uint8, M >= 1.
      radius: input frames that an output frame of the network sees to each side.
      window: input frames that a pass adds.

    Yields:
      `2M - 1` frames `[4h, 4w, 3]` uint8.
    """
    count, length = len(lr), window + 2 * radius
    if count <= length:
        yield from np.asarray(network(lr))
        return
    for first in range(0, count, window):
        start = min(max(first - radius, 0), count - length)
        frames = np.asarray(network(lr[start : start + length]))
        end = min(first + window, count)
        # Input frame f is output frame 2f; the one after the last frame is not there.
        yield from frames[2 * (first - start) : 2 * (end - start)]
