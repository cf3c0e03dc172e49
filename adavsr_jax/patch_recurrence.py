"""Blur from the recurrence of small patches across scales: blind, nothing learned.

Michaeli and Irani, "Nonparametric Blind Super-Resolution" (ICCV 2013), Algorithm 1,
which the paper names as a source of kernels: of all kernels, that one blurred the shot
which makes the patches of the reduced shot most like the shot's own. Patches matched by
one kernel yield the next, as in expectation maximisation.

Departures: patches of all frames are pooled and a fixed number is drawn, detail first;
patches of 3 x 3 for 5 x 5, of which a small frame holds too few, compared without their
means; a kernel that is symmetric about its centre, which holds it in place and halves
the unknowns. Known weakness: matches are never exact, which widens sharp kernels.
"""

import jax
import jax.numpy as jnp
import numpy as np

from adavsr_jax import kernels, pixels

_SIDE = 3  # pixels of a patch
_QUERIES = 1000  # patches of the shot
_ANCHORS = 600  # patches of the reduced shot
_STEPS = 15
_START = 1.0  # standard deviation of the first kernel, pixels: nearly no blur
_NOISE = 7.0  # standard deviation of a pixel between patches that match, code values
# The pull toward smooth and toward compact kernels, next to evidence of mean one.
_SMOOTHNESS = 0.3
_COMPACTNESS = 30.0

_TAPS = kernels.TAPS
_HALF = _TAPS**2 // 2  # unknowns: the other half of the taps repeats them, turned
_WINDOW = kernels.SCALE * (_SIDE - 1) + _TAPS  # pixels that make a reduced patch
_MARGIN = (_TAPS - kernels.SCALE) // 2
_SMALLEST = _WINDOW - 2 * _MARGIN


@jax.jit
def estimate(lr, key):
    """The kernel, float32 `[20, 20]`, that blurred a shot; no tap is negative.

    Args:
      lr: `[M, h, w, 3]` uint8 or uint16, low-resolution frames that share one blur.
      key: which patches are drawn; consumed.

    Raises:
      ValueError: frames smaller than 12 x 12, or another shape.
    """
    if lr.ndim != 4 or lr.shape[3] != 3 or min(lr.shape[1:3]) < _SMALLEST:
        raise ValueError(
            f"patch recurrence needs frames [M, h, w, 3] of {_SMALLEST} x {_SMALLEST} "
            f"or more; got {lr.shape}"
        )
    luma = pixels.luma(pixels.to_8_bit_codes(lr))
    query_key, anchor_key = jax.random.split(key)
    queries = _draw(query_key, luma, _SIDE, _QUERIES).reshape(_QUERIES, -1)
    queries = queries - queries.mean(1, keepdims=True)
    anchors = _anchors(anchor_key, luma)
    start = kernels.gaussian(_START, _START, 0).reshape(-1)[:_HALF]
    step = lambda _, half: _solve(queries, anchors, _weights(queries, anchors, half))
    half = jax.lax.fori_loop(0, _STEPS, step, start)
    return jnp.concatenate([half, half[::-1]]).reshape(_TAPS, _TAPS)


def _draw(key, frames, side, count):
    """Patches `[count, side, side]` of `[M, h, w]`, likelier the more detail is there.

    The odds are those of the squared differences of neighbours; a patch may come twice.
    """
    down = jnp.square(frames[:, 1:, :-1] - frames[:, :-1, :-1])
    right = jnp.square(frames[:, :-1, 1:] - frames[:, :-1, :-1])
    detail = _moving_sum(_moving_sum(down + right, side - 1, 1), side - 1, 2)
    # One unit more: where nothing varies all patches are equally likely.
    odds = (jnp.maximum(detail, 0) + 1).reshape(-1)
    chosen = jax.random.choice(key, odds.size, (count,), p=odds / odds.sum())
    corners = jnp.stack(jnp.unravel_index(chosen, detail.shape), 1)
    cut = lambda corner: jax.lax.dynamic_slice(frames, corner, (1, side, side))[0]
    return jax.vmap(cut)(corners)


def _moving_sum(array, length, axis):
    edges = [(int(axis == i), 0) for i in range(array.ndim)]
    sums = jnp.pad(jnp.cumsum(array, axis), edges)
    size = sums.shape[axis]
    late = jax.lax.slice_in_dim(sums, length, size, axis=axis)
    return late - jax.lax.slice_in_dim(sums, 0, size - length, axis=axis)


def _anchors(key, luma):
    """The paper's `R_j`, `[_ANCHORS, patch pixels, _HALF]`: times a kernel, a patch.

    Borders are mirrored as the reduction mirrors them. Means are taken off the patch.
    """
    edges = ((0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN))
    padded = jnp.pad(luma, edges, mode="symmetric")
    windows = _draw(key, padded, _WINDOW, _ANCHORS)
    starts = range(0, kernels.SCALE * _SIDE, kernels.SCALE)
    parts = [windows[:, y : y + _TAPS, x : x + _TAPS] for y in starts for x in starts]
    taps = jnp.stack(parts, 1).reshape(_ANCHORS, _SIDE**2, _TAPS**2)
    folded = taps[..., :_HALF] + taps[..., : _HALF - 1 : -1]
    return folded - folded.mean(1, keepdims=True)


def _weights(queries, anchors, half):
    """How likely each query is to repeat each anchor, `[_QUERIES, _ANCHORS]`.

    The paper keeps the nearest neighbours; the others have weights near zero anyway.
    """
    reduced = jnp.matmul(anchors, half, precision="highest")
    products = jnp.matmul(queries, reduced.T, precision="highest")
    # The query's own square is the same for all anchors and drops out.
    distances = (reduced**2).sum(1)[None] - 2 * products
    return jax.nn.softmax(-distances / (2 * _NOISE**2), axis=1)


def _solve(queries, anchors, weights):
    """The kernel's half that best turns anchors into the queries they are matched with.

    Regularised least squares with the sum held at one by a Lagrange multiplier; then
    negative taps are cut off.
    """
    rows = anchors.reshape(-1, _HALF)
    row_weights = jnp.repeat(weights.sum(0), _SIDE**2)[:, None]
    targets = jnp.matmul(weights.T, queries, precision="highest").reshape(-1)
    normal = jnp.matmul(rows.T, rows * row_weights, precision="highest")
    right = jnp.matmul(rows.T, targets, precision="highest")
    # A shot without any detail has no scale: then the penalty alone decides.
    scale = jnp.maximum(jnp.trace(normal) / _HALF, 1e-6)
    sides = jnp.stack([right / scale, jnp.ones_like(right)], 1)
    free, pull = jnp.linalg.solve(normal / scale + _penalty(), sides).T
    half = free + (0.5 - free.sum()) / pull.sum() * pull
    half = jnp.maximum(half, 0)
    return half / (2 * half.sum())


def _penalty():
    """The quadratic form on half a kernel, float32 `[_HALF, _HALF]`; NumPy.

    Squares of the Laplacian, zero outside the support, and of each tap times the square
    of its distance from the centre in units of 10 pixels.
    """
    one = 2 * np.eye(_TAPS) - np.eye(_TAPS, k=1) - np.eye(_TAPS, k=-1)
    laplacian = np.kron(one, np.eye(_TAPS)) + np.kron(np.eye(_TAPS), one)
    square = np.add.outer(kernels.OFFSETS**2, kernels.OFFSETS**2).reshape(-1)
    form = _SMOOTHNESS * laplacian @ laplacian
    form += _COMPACTNESS * np.diag((square / 100) ** 2)
    whole = np.concatenate([np.eye(_HALF), np.eye(_HALF)[::-1]])
    return (whole.T @ form @ whole).astype(np.float32)
