"""The network that names the blur: its numbers, its loss, what it looks at."""

import functools

import jax
import jax.numpy as jnp
import naming
import numpy as np
import optax
import pytest
import scipy.stats
import small

from adavsr_jax import degradation, kernel_estimation, kernels, pixels, tasks

_ANGLES = np.deg2rad([-400, 0, 20, 45, 90, 135, 179.9, 180.1])
_GAUSSIANS = tasks.Generator(kernels.uniform(0.6, 3.4, 0.0), "matched", 0.0, 4)
_BICUBICS = tasks.Generator(kernels.only_bicubic(), "matched", 0.0, 4)
_CLIP = small.clips(1, 5, 32)[0]


def _parameters(s1, s2, angle):
    return kernels.Parameters(*map(jnp.float32, (s1, s2, angle)), jnp.bool_(False))


@pytest.mark.parametrize("widths", [(0.6, 0.6), (1.9, 1.8), (3.4, 0.6)])
@pytest.mark.parametrize("angle", _ANGLES)
def test_three_numbers_say_what_four_parameters_do(widths, angle):
    parameters = _parameters(*widths, angle)
    shape = kernel_estimation.log_cholesky(parameters)
    found = kernel_estimation.from_log_cholesky(shape)
    np.testing.assert_allclose(found, kernels.from_parameters(parameters), atol=5e-6)


def test_the_numbers_are_the_factor_of_the_covariance():
    s1, s2, angle = 2.7, 1.1, 0.8
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    factor = np.linalg.cholesky(axes.T @ np.diag([s1**2, s2**2]) @ axes)
    found = kernel_estimation.log_cholesky(_parameters(s1, s2, angle))
    expected = [np.log(factor[0, 0]), factor[1, 0], np.log(factor[1, 1])]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_numbers_know_no_jump_at_pi_and_no_angle_of_a_circle():
    shape = lambda *parameters: kernel_estimation.log_cholesky(_parameters(*parameters))
    before, after = shape(3, 1, np.pi - 1e-4), shape(3, 1, 1e-4)
    np.testing.assert_allclose(before, after, atol=2e-3)
    np.testing.assert_allclose(shape(2, 2, 0.3), [np.log(2), 0, np.log(2)], atol=1e-6)


_answer = small.jit(lambda params, lr: naming.MODEL.apply({"params": params}, lr))


def _lr(frames=4):
    return pixels.to_float(small.clips(1, frames, 20)[0])


@pytest.mark.parametrize(
    "same",
    [
        lambda lr: lr[np.array([2, 0, 3, 1])],
        lambda lr: jnp.concatenate([lr, lr]),
        lambda lr: lr + np.float32(0.2),
    ],
    ids=["in another order", "seen twice", "brighter"],
)
def test_the_answer_does_not_change_for_frames(same):
    params, lr = naming.drawn(), _lr()
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4),
        _answer(params, lr),
        _answer(params, same(lr)),
    )
    assert jnp.abs(_answer(params, lr).shape - _answer(params, lr[:1]).shape).max() > 0


@pytest.mark.parametrize("answer", [naming.SURE, naming.DOUBTFUL, naming.BICUBIC])
def test_an_answer_becomes_a_kernel_with_an_error(answer):
    estimate = functools.partial(kernel_estimation.estimate, naming.MODEL)
    found = small.jit(estimate)(naming.params(answer), small.clips(1, 2, 16)[0])
    shape, log_error, bicubic = jnp.array(answer[:3]), answer[3:6], answer[6]
    gaussian = kernel_estimation.from_log_cholesky(shape)
    np.testing.assert_allclose(found.gaussian, gaussian, atol=1e-7)
    chance = 1 / (1 + np.exp(-bicubic))
    mean = gaussian + chance * (kernels.bicubic() - gaussian)
    np.testing.assert_allclose(found.kernel, mean, atol=1e-7)
    # Of the two widths; the error of b is no relative one.
    np.testing.assert_allclose(found.error, np.exp(max(log_error[::2])), rtol=1e-6)
    np.testing.assert_allclose(found.bicubic, chance, rtol=1e-6)
    kernels.check(found.kernel, "found")


@functools.partial(small.jit, static_argnums=2)
def _derive(answer, key, generator):
    """The loss and its gradient where the network's answer is these seven numbers."""
    loss = kernel_estimation.loss(naming.MODEL, generator, lambda key, lr: lr)
    of_answer = lambda answer: loss(naming.params(answer), _CLIP, key, 0.0)
    (value, _), gradient = jax.value_and_grad(of_answer, has_aux=True)(answer)
    return value, gradient


def _label(key):
    """The numbers of the blur that the loss draws with `key`."""
    drawn = tasks.sample(jax.random.split(key)[0], _GAUSSIANS)
    return kernel_estimation.log_cholesky(drawn.blur)


@pytest.mark.parametrize("seed", range(3))
def test_the_loss_is_a_normal_distribution_s_and_a_question_s(seed):
    key, answer = jax.random.key(seed), np.array(naming.SURE, np.float32)
    value, _ = _derive(answer, key, _GAUSSIANS)
    scales = np.exp(answer[3:6].astype(np.float64))
    likelihood = scipy.stats.norm.logpdf(_label(key), answer[:3], scales).sum()
    surprise = -likelihood - 1.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(value, surprise + np.log1p(np.exp(answer[6])), rtol=1e-4)


def test_the_loss_is_least_at_the_true_numbers_and_the_true_errors():
    key = jax.random.key(4)
    label = _label(key)
    at = lambda shape, log_error, bicubic=-4.0: _derive(
        jnp.concatenate([shape, log_error, jnp.array([bicubic])]), key, _GAUSSIANS
    )
    value, gradient = at(label, jnp.full(3, -2.0))
    np.testing.assert_allclose(gradient[:3], 0, atol=1e-4)
    np.testing.assert_allclose(gradient[3:6], 1, rtol=1e-5)
    for way in 0.01 * np.eye(3, dtype=np.float32):
        assert at(label + way, jnp.full(3, -2.0))[0] > value
        assert at(label - way, jnp.full(3, -2.0))[0] > value
    wrong = jnp.array([0.3, -0.1, 0.02])
    _, gradient = at(label + wrong, jnp.log(jnp.abs(wrong)))
    np.testing.assert_allclose(gradient[3:6], 0, atol=1e-4)


def test_a_bicubic_is_asked_for_no_numbers():
    value, gradient = _derive(jnp.array(naming.SURE), jax.random.key(1), _BICUBICS)
    np.testing.assert_array_equal(gradient[:6], 0)
    logit = naming.SURE[6]
    np.testing.assert_allclose(value, np.log1p(np.exp(-logit)), rtol=1e-5)
    np.testing.assert_allclose(gradient[6], -1 / (1 + np.exp(logit)), rtol=1e-5)


def test_training_tells_blurs_apart():
    """Better than any one answer to all: it has looked at the frames."""
    clips = small.clips(2, 5, 48)
    keys = jax.random.split(jax.random.key(0), 4)
    loss = kernel_estimation.loss(naming.MODEL, _GAUSSIANS, lambda key, lr: lr)
    rule = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(5e-3))

    def mean(params):
        one = lambda clip, key: loss(params, clip, key, 0.0)[0]
        return jax.vmap(lambda clip: jax.vmap(lambda key: one(clip, key))(keys))(
            clips
        ).mean()

    @jax.jit
    def train(params):
        def step(carry, _):
            params, state = carry
            value, grads = jax.value_and_grad(mean)(params)
            updates, state = rule.update(grads, state)
            return (optax.apply_updates(params, updates), state), value

        return jax.lax.scan(step, (params, rule.init(params)), None, 80)[1]

    values = train(naming.drawn())
    labels = np.stack([_label(key) for key in keys])
    constant = np.sum(0.5 + np.log(labels.std(axis=0)))
    assert values[-1] < constant < values[0]


def test_undamaged_frames_stay_as_they_are():
    lr = _lr()
    found = kernel_estimation.damaged(
        jax.random.key(0), lr, noise=9.0, compression=5.0, probability=0.0
    )
    np.testing.assert_array_equal(found, lr)


def _damage(keys, lr, **settings):
    one = lambda key: kernel_estimation.damaged(key, lr, **settings)
    return np.asarray(small.jit(jax.vmap(one))(keys))


def test_noise_and_compression_come_each_by_itself():
    keys, lr = jax.random.split(jax.random.key(0), 300), _lr(1)[:, :8, :8]
    for noise, untouched in ((0.0, 1 / 2), (9.0, 1 / 4)):
        found = _damage(keys, lr, noise=noise, compression=5.0, probability=0.5)
        share = (found == np.asarray(lr)).all(axis=(1, 2, 3, 4)).mean()
        assert abs(share - untouched) < 0.1


def test_damage_is_of_8_bits_and_of_the_size_asked_for():
    keys = jax.random.split(jax.random.key(0), 40)
    grey = np.full((2, 16, 16, 3), 128 / 255, np.float32)
    found = _damage(keys, grey, noise=20.0, compression=1.0, probability=1.0)
    codes = 255 * found.astype(np.float64)
    np.testing.assert_allclose(codes, np.round(codes), atol=1e-4)
    sizes = (codes - 128).std(axis=(1, 2, 3, 4))
    # The quantiser makes a little more of it, or nothing if it is small.
    assert 15 < sizes.max() < 25 and sizes.min() < 3
    white = _damage(
        keys, np.ones_like(grey), noise=20.0, compression=1.0, probability=1.0
    )
    assert white.max() <= 1


def test_compression_alone_is_the_quantiser_in_8_bits():
    lr = _lr()
    found = _damage(
        jax.random.split(jax.random.key(0), 1),
        lr,
        noise=0.0,
        compression=1.0,
        probability=1.0,
    )
    expected = pixels.round_to_8_bits(degradation.compress(lr, 1.0))
    np.testing.assert_allclose(found[0], expected, atol=1.01 / 255)
    assert (np.abs(found[0] - expected) < 1e-6).mean() > 0.99


def test_a_large_shot_is_seen_in_part():
    lr = np.arange(20 * 300 * 420).reshape(20, 300, 420, 1)
    found = kernel_estimation.seen(lr)
    assert found.shape == (8, 256, 256, 1)
    np.testing.assert_array_equal(found[[0, -1]], lr[[0, -1], 22:278, 82:338])
    which = found[:, 0, 0, 0] // (300 * 420)
    assert set(np.diff(which)) <= {2, 3}


@pytest.mark.parametrize("shape", [(1, 8, 8, 3), (8, 256, 9, 3), (3, 17, 256, 3)])
def test_a_small_shot_is_seen_whole(shape):
    lr = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.testing.assert_array_equal(kernel_estimation.seen(lr), lr)


@pytest.mark.parametrize("shape", [(0, 16, 16, 3), (2, 7, 16, 3), (2, 16, 3, 3)])
def test_what_shows_no_blur_is_refused(shape):
    words = f"8 x 8 or more; got {shape[0]} of {shape[1]} x {shape[2]}"
    with pytest.raises(ValueError, match=words):
        kernel_estimation.seen(np.zeros(shape, np.uint8))
