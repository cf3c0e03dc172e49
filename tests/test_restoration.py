"""Windows in time and tiles in space give what the whole shot gives."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small

from adavsr_jax import passes, pixels, restoration

PARAMS = small.params()
RADIUS = small.MODEL.radius


@jax.jit
def _whole(lr):
    _, hr = small.MODEL.apply({"params": PARAMS}, pixels.to_float(lr)[None])
    return pixels.to_uint8(hr[0])


@functools.partial(jax.jit, static_argnums=3)
def _network(lr, count, offset, window):
    frames = pixels.to_float(lr)[None]
    hr = small.MODEL.apply(
        {"params": PARAMS},
        frames,
        None,
        count=count,
        first=offset,
        length=window,
        method="window",
    )
    return pixels.to_uint8(hr[0])


def _restored(lr, plan, **settings):
    plan = passes.Plan(*plan)
    frames = restoration.restore(_network, lr, radius=RADIUS, plan=plan, **settings)
    return np.stack(list(frames))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 12, 13, 17])
def test_windows_equal_the_whole(count):
    lr = small.clips(1, 17, 16)[0][:count]
    windowed, whole = _restored(lr, (4, 16, 16)), np.asarray(_whole(lr))
    assert windowed.shape == whole.shape == (2 * count - 1, 64, 64, 3)
    np.testing.assert_allclose(windowed.astype(int), whole, atol=1)
    assert np.mean(windowed != whole) < 1e-3


@pytest.mark.parametrize("core", [(40, 56), (17, 56), (13, 9)])
def test_tiles_equal_the_whole(core):
    lr = small.clips(1, 5, 64)[0][:, :40, :56]
    tiled, whole = _restored(lr, (4, *core)), np.asarray(_whole(lr))
    assert np.abs(tiled.astype(int) - whole).max() <= 1
    assert np.mean(tiled != whole) < 1e-3


def test_what_is_restored_already_is_left_out():
    lr = small.clips(1, 17, 16)[0]
    plan = (4, 16, 16)
    np.testing.assert_array_equal(
        _restored(lr, plan, first=8), _restored(lr, plan)[16:]
    )
    assert not list(
        restoration.restore(
            _network, lr, radius=RADIUS, plan=passes.Plan(*plan), first=20
        )
    )


def test_few_shapes_serve_every_length():
    clip, shapes = small.clips(1, 17, 16)[0], set()

    def network(lr, count, offset, window):
        shapes.add((lr.shape, window))
        return jnp.zeros((2 * window, 64, 64, 3), jnp.uint8)

    plan = passes.Plan(8, 16, 16)
    for count in range(1, 18):
        frames = restoration.restore(network, clip[:count], radius=RADIUS, plan=plan)
        assert len(list(frames)) == 2 * count - 1
    assert len(shapes) <= 8  # four windows, each whole or after others


def test_frames_are_taken_as_they_are_needed():
    taken = []

    def frames():
        for frame in small.clips(1, 17, 16)[0]:
            taken.append(frame)
            yield frame

    plan = passes.Plan(2, 16, 16)
    restored = restoration.restore(_network, frames(), radius=RADIUS, plan=plan)
    for count, _ in enumerate(restored, start=1):
        assert len(taken) <= (count + 1) // 2 + plan.window + RADIUS[0]
    assert count == 33
