"""Windows in time and tiles in space give what the whole shot gives."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small

from adavsr_jax import passes, pixels, restoration
from adavsr_jax.networks import space_time, ssr

PARAMS = small.params()
RADIUS = small.MODEL.radius
# Two blocks that each see a frame further, and the same tensors.
FAR = space_time.SpaceTime(
    small.MODEL.tsr, ssr.SSR(channels=8, blocks=2, design="shift")
)


@functools.partial(jax.jit, static_argnums=0)
def _all_at_once(model, params, lr):
    _, hr = model.apply({"params": params}, pixels.to_float(lr)[None])
    return pixels.to_uint8(hr[0])


@functools.partial(jax.jit, static_argnums=(0, 5))
def _pass(model, params, lr, count, offset, window):
    frames = pixels.to_float(lr)[None]
    hr = model.apply(
        {"params": params},
        frames,
        None,
        count=count,
        first=offset,
        length=window,
        method="window",
    )
    return pixels.to_uint8(hr[0])


_whole = functools.partial(_all_at_once, small.MODEL, PARAMS)
_network = functools.partial(_pass, small.MODEL, PARAMS)


def _restored(lr, plan, network=_network, radius=RADIUS, **settings):
    plan = passes.Plan(*plan)
    frames = restoration.restore(network, lr, radius=radius, plan=plan, **settings)
    return np.stack(list(frames))


def _assert_equal(windowed, whole):
    assert windowed.shape == whole.shape
    np.testing.assert_allclose(windowed.astype(int), whole, atol=1)
    assert np.mean(windowed != whole) < 1e-3


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 12, 13, 17])
def test_windows_equal_the_whole(count):
    lr = small.clips(1, 17, 16)[0][:count]
    windowed, whole = _restored(lr, (4, 16, 16)), np.asarray(_whole(lr))
    assert windowed.shape == (2 * count - 1, 64, 64, 3)
    _assert_equal(windowed, whole)


@pytest.mark.parametrize("more", [0, 2])
@pytest.mark.parametrize("count", [1, 2, 4, 5, 6, 7, 9, 12])
def test_windows_of_a_network_that_looks_far_equal_the_whole(count, more):
    lr = small.clips(1, 17, 16)[0][:count]
    params = small.params_of(FAR)
    windowed = _restored(
        lr,
        (4, 16, 16, more),
        functools.partial(_pass, FAR, params),
        FAR.radius,
    )
    _assert_equal(windowed, np.asarray(_all_at_once(FAR, params, lr)))


def test_a_whole_shot_may_be_longer_than_a_window():
    lr, seen = small.clips(1, 17, 16)[0], []

    def network(lr, count, offset, window):
        seen.append((len(lr), window))
        return jnp.zeros((2 * window, 64, 64, 3), jnp.uint8)

    for count in (6, 7):
        _restored(lr[:count], (4, 16, 16, 2), network, (3, 4))
    # All at once; then windows, three frames to each side.
    assert seen == [(6, 6), (10, 4), (9, 3)]


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


@pytest.mark.parametrize("first", [1, 5, 7, 16])
def test_other_windows_may_follow_on_what_is_restored(first):
    lr = small.clips(1, 17, 16)[0]
    found = _restored(lr, (3, 16, 16), first=first)
    _assert_equal(found, np.asarray(_whole(lr))[2 * first :])


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
