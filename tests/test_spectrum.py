"""The blur that is read off the spectrum: recovered where it is known, else sober."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adavsr_jax import degradation, kernels, pixels, spectrum

_BLURS = {
    "narrow": (1.0, 1.0, 0.0),
    "wide": (3.0, 3.0, 0.0),
    "level": (2.8, 1.2, 0.0),
    "slanted": (2.8, 1.2, 2.0),
}


@functools.cache
def _sharp(lopsided):
    """Noise whose power falls with frequency to the power 2.4: `[3, 192, 256, 3]`.

    `lopsided` times cos 2 phi is what its logarithm gains in the direction phi.
    """
    y, x = np.meshgrid(np.fft.fftfreq(192), np.fft.fftfreq(256), indexing="ij")
    square = np.maximum(x**2 + y**2, 1e-6)
    log_power = lopsided * (x**2 - y**2) / square - 1.2 * np.log(square)
    noise = np.random.default_rng(0).standard_normal((3, 192, 256))
    frames = np.fft.ifft2(np.fft.fft2(noise) * np.exp(log_power / 2)).real
    frames = 0.5 + 0.15 * (frames - frames.mean()) / frames.std()
    return np.repeat(frames.astype(np.float32)[..., None], 3, axis=-1)


@jax.jit
def _blurred(frames, kernel):
    return pixels.to_uint8(degradation.blur_and_reduce(frames, kernel))


def _shot(name, lopsided=0.0):
    return _blurred(_sharp(lopsided), kernels.gaussian(*_BLURS[name]))


def _true_covariance(name):
    s1, s2, angle = _BLURS[name]
    axes = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return axes @ np.diag([s1**2, s2**2]) @ axes.T


def _error(found, kernel):
    return np.linalg.norm(found - kernel) / np.linalg.norm(kernel)


# Lopsided content: e times the power in x that there is in y, and yet no blur.
@pytest.mark.parametrize("lopsided", [0.0, -0.5])
@pytest.mark.parametrize("name", _BLURS)
def test_finds_the_covariance_of_a_known_blur(name, lopsided):
    found = spectrum.covariance(_shot(name, lopsided))
    np.testing.assert_allclose(found, _true_covariance(name), rtol=0.15, atol=0.3)


@pytest.mark.parametrize("name", _BLURS)
def test_the_kernel_is_near_the_true_one_and_nearer_than_a_guess(name):
    true = kernels.gaussian(*_BLURS[name])
    found = spectrum.estimate(_shot(name))
    kernels.check(found, name)
    assert _error(found, true) < 0.15
    assert _error(found, true) < 0.5 * _error(kernels.gaussian(1.9, 1.9, 0), true)


def test_a_transposed_shot_has_the_transposed_kernel():
    shot = _shot("slanted")
    transposed = spectrum.estimate(jnp.swapaxes(shot, 1, 2))
    np.testing.assert_allclose(transposed, spectrum.estimate(shot).T, atol=1e-4)


def test_a_mirrored_shot_has_the_mirrored_kernel():
    shot = _shot("slanted")[:, :, :48]  # a width that whole steps of windows fill
    mirrored = spectrum.estimate(jnp.flip(shot, 2))
    np.testing.assert_allclose(
        mirrored, jnp.flip(spectrum.estimate(shot), 1), atol=1e-4
    )


def test_brightness_and_contrast_do_not_matter():
    shot = _shot("level")
    darker = pixels.to_uint8(0.7 * pixels.to_float(shot) + 0.02)
    found = spectrum.covariance(darker)
    np.testing.assert_allclose(found, spectrum.covariance(shot), atol=0.3)


@pytest.mark.parametrize("shape", [(1, 32, 32, 3), (2, 33, 70, 3)])
def test_nothing_to_see_gives_the_mean_blur(shape):
    found = spectrum.estimate(np.full(shape, 90, np.uint8))
    assert _error(found, kernels.gaussian(2.0, 2.0, 0.0)) < 0.05


def test_power_is_the_variance_of_white_noise():
    noise = np.random.default_rng(1).integers(0, 256, (8, 128, 128, 1), np.uint8)
    found = spectrum.power(np.repeat(noise, 3, axis=-1))
    assert found.shape == (32, 17)
    # Luma spans 219 code values of 255; the mean was taken off the lowest frequency.
    expected = (256**2 - 1) / 12 * (219 / 255) ** 2
    np.testing.assert_allclose(found[3:-3, 3:], expected, rtol=0.35)
    np.testing.assert_allclose(found[3:-3, 3:].mean(), expected, rtol=0.03)


def test_the_depth_of_codes_does_not_matter():
    shot = np.asarray(_shot("level"))
    deep = spectrum.estimate(shot.astype(np.uint16) * 257)
    np.testing.assert_array_equal(deep, spectrum.estimate(shot))


def test_windows_are_every_half_one_and_the_last():
    luma = np.random.default_rng(0).integers(0, 256, (2, 40, 70, 1), np.uint8)
    lr = np.repeat(luma, 3, axis=-1)
    parts = [lr[:, y : y + 32, x : x + 32] for y in (0, 8) for x in (0, 16, 32, 38)]
    together = spectrum.power(np.concatenate(parts))  # one window a frame
    np.testing.assert_allclose(spectrum.power(lr), together, rtol=1e-4)


def test_a_larger_shot_is_no_longer_program():
    size = lambda *shape: len(
        jax.make_jaxpr(spectrum.power)(np.zeros(shape, np.uint8)).eqns
    )
    assert size(2, 32, 32, 3) == size(2, 128, 96, 3)


def test_types_are_never_promoted_silently():
    with jax.numpy_dtype_promotion("strict"):
        found = jax.jit(spectrum.estimate)(_shot("narrow"))
    assert found.shape == (20, 20)
    assert found.dtype == jnp.float32


@pytest.mark.parametrize("shape", [(4, 31, 64, 3), (4, 64, 31, 3), (64, 64, 3)])
def test_frames_that_hold_no_window_are_refused(shape):
    with pytest.raises(ValueError, match="32 x 32 or more; got"):
        spectrum.estimate(np.zeros(shape, np.uint8))
