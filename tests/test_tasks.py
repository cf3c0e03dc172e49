"""Tasks: shapes of the paper, the same blur at both levels, one key one task."""

import functools

import jax
import numpy as np
import pytest
import small

from adavsr_jax import degradation, kernels, pixels, tasks

shapes = lambda tree: jax.tree.map(lambda a: a.shape, tree)


@functools.partial(jax.jit, static_argnums=2)
def _make(key, clip, generator):
    return tasks.make(key, clip, generator)


def test_shapes_of_the_paper():
    clip = np.zeros((7, 256, 256, 3), np.uint8)
    generator = small.generator(query_size=16)
    task = jax.eval_shape(
        lambda key: tasks.make(key, clip, generator), jax.random.key(0)
    )
    assert shapes(task.support) == tasks.Pair(
        (2, 2, 16, 16, 3), (2, 3, 16, 16, 3), (2, 3, 64, 64, 3), (20, 20)
    )
    assert shapes(task.query) == tasks.Pair(
        (1, 4, 16, 16, 3), (1, 7, 16, 16, 3), (1, 7, 64, 64, 3), (20, 20)
    )


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8])
def test_support_of_any_number_of_frames_uses_them_all(count):
    lr = pixels.to_float(small.clips(1, count, 32)[0])
    pair = jax.jit(tasks.support)(lr, kernels.gaussian(1.0, 1.0, 0.0))
    windows, frames = pair.lfr.shape[:2]
    assert pair.hfr.shape[:2] == pair.hr.shape[:2] == (windows, 2 * frames - 1)
    found = np.asarray(pair.hr)[:, :, None] == np.asarray(lr)  # [B, T, M, h, w, 3]
    seen = set(np.nonzero(found.all(axis=(3, 4, 5)).any(axis=(0, 1)))[0])
    assert seen == set(range(count))


def test_support_is_the_reduction_of_its_targets():
    lr = pixels.to_float(small.clips(1, 4, 36)[0])
    kernel = kernels.gaussian(2.0, 1.0, 0.3)
    pair = jax.jit(tasks.support)(lr, kernel)
    slr = pixels.round_to_8_bits(jax.jit(degradation.blur_and_reduce)(lr, kernel))
    np.testing.assert_array_equal(pair.hfr, [slr[:3], slr[1:]])
    np.testing.assert_array_equal(pair.lfr, pair.hfr[:, ::2])
    np.testing.assert_array_equal(pair.hr, [lr[:3], lr[1:]])


def test_query_is_a_crop_of_the_degraded_clip():
    clip = small.clips()[0]
    key = jax.random.key(5)
    generator = small.generator(query_size=5)
    query = _make(key, clip, generator).query
    drawn = tasks.sample(jax.random.split(key, 4)[0], generator)
    kernel = kernels.from_parameters(drawn.blur)
    lr = np.asarray(degradation.degrade(pixels.to_float(clip), kernel, "drop"))
    cut = np.asarray(query.lfr[0])
    places = [
        (y, x)
        for y in range(4)
        for x in range(4)
        if np.allclose(lr[:, y : y + 5, x : x + 5], cut, atol=1e-6)
    ]
    assert len(places) == 1
    y, x = (4 * c for c in places[0])
    expected = pixels.to_float(clip[:, y : y + 20, x : x + 20])
    np.testing.assert_allclose(query.hr[0], expected, atol=1e-6)


def test_relations_say_what_support_and_query_share():
    clip, key = small.clips(1, 7, 64)[0], jax.random.key(2)
    made = {name: _make(key, clip, small.generator(name)) for name in tasks.RELATIONS}
    matched, independent, jitter, estimated = made.values()
    # The query's frames never depend on the relation.
    for other in (independent, jitter, estimated):
        jax.tree.map(np.testing.assert_array_equal, matched.query[:3], other.query[:3])
    # The targets of SSR in the support are the LR clip: another one if T_i != T_j.
    assert np.abs(matched.support.hr - independent.support.hr).max() > 0.01
    for other in (jitter, estimated):
        np.testing.assert_array_equal(matched.support.hr, other.support.hr)
        assert np.abs(matched.support.hfr - other.support.hfr).max() > 0.003


@pytest.mark.parametrize("relation", tasks.RELATIONS)
def test_networks_are_told_the_blur_of_the_relation(relation):
    clip, key = small.clips(1, 7, 64)[0], jax.random.key(2)
    task = _make(key, clip, small.generator(relation))
    drawn = tasks.sample(jax.random.split(key, 4)[0], small.generator())
    truth = kernels.from_parameters(drawn.blur)
    told = kernels.error(task.query.kernel, truth)
    if relation in ("jitter", "estimated"):  # the same one for support and query
        assert 0.01 < told < 0.5 if relation == "jitter" else told > 0.5
        np.testing.assert_array_equal(task.support.kernel, task.query.kernel)
    else:
        assert told < 1e-5
        apart = kernels.error(task.support.kernel, truth)
        assert apart < 1e-5 if relation == "matched" else apart > 0.1
    # Whatever was told of it, the support is what that blur makes of its targets.
    reduced = degradation.blur_and_reduce(task.support.hr, task.support.kernel)
    np.testing.assert_allclose(task.support.hfr, reduced, atol=0.51 / 255)


def test_large_scale_training_tells_an_estimate_too():
    clip, key = small.clips(1, 5, 32)[0], jax.random.key(2)
    make = jax.jit(tasks.pretraining, static_argnums=2)
    exact, sharp = make(key, clip, small.generator("matched"))
    jitter, same = make(key, clip, small.generator("jitter"))
    alike = functools.partial(jax.tree.map, np.testing.assert_array_equal)
    alike((exact[:3], sharp), (jitter[:3], same))
    reduced = degradation.blur_and_reduce(exact.hr, exact.kernel)
    np.testing.assert_allclose(exact.hfr, reduced, atol=0.51 / 255)
    assert 0.01 < kernels.error(jitter.kernel, exact.kernel) < 0.5


def test_large_scale_training_tells_what_is_estimated_of_its_input_or_the_truth():
    clip, keys = small.clips(1, 5, 32)[0], jax.random.split(jax.random.key(2), 64)

    @jax.jit
    @jax.vmap
    def told(key):
        pair, _ = tasks.pretraining(key, clip, small.generator("estimated"))
        truth, _ = tasks.pretraining(key, clip, small.generator("matched"))
        estimate = small.widened(pair.lfr[0])
        return pair.kernel, truth.kernel, estimate

    found, truth, estimate = map(np.asarray, told(keys))
    apart = lambda other: np.abs(found - other).max(axis=(1, 2))
    np.testing.assert_allclose(np.minimum(apart(truth), apart(estimate)), 0, atol=1e-6)
    assert 16 < np.sum(apart(estimate) < 1e-6) < 48  # of 64, each half of the time


@pytest.mark.parametrize("mean3", [0.0, 1.0])
def test_a_lowered_clip_is_the_degraded_one(mean3):
    clip = small.clips(1, 6, 32)[0]  # the sixth has no frame after it
    drawn = tasks.sample(jax.random.key(3), small.generator(mean3_probability=mean3))
    found = jax.jit(tasks.lowered)(clip, drawn)
    # Time first or space first: both are linear, but a rounding may tip.
    how = "mean3" if mean3 else "drop"
    kernel = kernels.from_parameters(drawn.blur)
    expected = degradation.degrade(pixels.to_float(clip[:5]), kernel, how)
    assert found.shape == (3, 8, 8, 3)
    np.testing.assert_allclose(found, expected, atol=1.01 / 255)
    assert (np.abs(found - expected) < 1e-6).mean() > 0.99


def test_mean3_blurs_the_input_and_not_the_targets():
    clip, key = small.clips(1, 7, 64)[0], jax.random.key(2)
    drop = _make(key, clip, small.generator(mean3_probability=0.0))
    mean3 = _make(key, clip, small.generator(mean3_probability=1.0))
    np.testing.assert_array_equal(drop.query.hr, mean3.query.hr)
    np.testing.assert_array_equal(drop.query.hfr, mean3.query.hfr)
    np.testing.assert_array_equal(drop.query.lfr, drop.query.hfr[:, ::2])
    given = mean3.query.hfr
    expected = (given[:, 1] + given[:, 2] + given[:, 3]) / 3
    np.testing.assert_allclose(mean3.query.lfr[:, 1], expected, atol=1.5 / 255)


def test_vmap_equals_a_loop():
    clips, keys = small.clips(2), jax.random.split(jax.random.key(1), 2)
    generator = small.generator("jitter", 0.5)
    make = lambda key, clip: tasks.make(key, clip, generator)
    many = jax.jit(jax.vmap(make))(keys, clips)
    for n in range(2):
        # One code value: the order of sums may tip a rounding.
        jax.tree.map(
            lambda a, b, n=n: np.testing.assert_allclose(a[n], b, atol=1.01 / 255),
            many,
            _make(keys[n], clips[n], generator),
        )


def test_refusals_name_what_was_found():
    with pytest.raises(ValueError, match="7 of 40 x 32"):
        tasks.make(
            jax.random.key(0), np.zeros((7, 40, 32, 3), np.uint8), small.generator()
        )
    with pytest.raises(ValueError, match="9 x 9 does not fit LR frames of 8 x 8"):
        tasks.make(jax.random.key(0), small.clips()[0], small.generator(query_size=9))
    with pytest.raises(ValueError, match="2 or more frames"):
        tasks.support(np.zeros((1, 16, 16, 3), np.float32), kernels.bicubic())
    with pytest.raises(ValueError, match="matched, independent, jitter, estimated"):
        small.generator("same")
    with pytest.raises(ValueError, match="needs a function that estimates"):
        tasks.Generator(kernels.uniform(), "estimated", 0.0, 4)
