import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.metrics

from adavsr_jax import metrics, pixels


def _clip(seed, shape=(3, 17, 23, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def test_losses_have_their_closed_forms():
    target = jnp.zeros((2, 3))
    prediction = jnp.array([[3.0, -3.0, 3.0], [-3.0, 3.0, 3.0]])
    assert metrics.l1(prediction, target) == 3
    np.testing.assert_allclose(metrics.charbonnier(prediction, target, 4.0), 5)


def test_charbonnier_has_curvature_one_over_epsilon_at_zero():
    curvature = jax.grad(jax.grad(lambda x: metrics.charbonnier(x, 0.0, 0.01)))(0.0)
    np.testing.assert_allclose(curvature, 100, rtol=1e-6)


def test_charbonnier_has_the_derivatives_of_its_formula():
    """Given one by one in the library; here by JAX, to third order."""
    with jax.enable_x64(True):
        points = jnp.asarray(np.random.default_rng(0).standard_normal(16)) / 20
        ours = lambda x: metrics.charbonnier(x, 0.0, 0.05)
        formula = lambda x: jnp.sqrt(x**2 + 0.05**2)
        for _ in range(4):
            np.testing.assert_allclose(
                *(jax.vmap(f)(points) for f in (ours, formula)), rtol=1e-10
            )
            ours, formula = jax.grad(ours), jax.grad(formula)


def test_psnr_of_one_code_value_everywhere():
    # Y moves by 219 / 255 of a code value: 20 log10(255 * 255 / 219) dB.
    truth = _clip(0) // 2
    np.testing.assert_allclose(
        metrics.psnr_y(truth + 1, truth), 20 * np.log10(255**2 / 219)
    )


def test_psnr_scores_each_frame_by_itself():
    truth = _clip(0) // 2
    frames = truth.copy()
    frames[1] += 2
    found = metrics.psnr_y(frames, truth)
    assert np.isposinf(found[[0, 2]]).all()
    np.testing.assert_allclose(found[1], 20 * np.log10(255**2 / 438))


def test_ssim_equals_scikit_image():
    truth = _clip(1)
    frames = np.clip(
        truth + np.random.default_rng(2).normal(0, 20, truth.shape), 0, 255
    )
    frames = frames.astype(np.uint8)
    expected = [
        skimage.metrics.structural_similarity(
            pixels.luma(a),
            pixels.luma(b),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
            win_size=11,
        )
        for a, b in zip(frames, truth, strict=True)
    ]
    np.testing.assert_allclose(metrics.ssim_y(frames, truth), expected, atol=1e-6)
    assert 0.5 < np.mean(expected) < 0.99


def test_ssim_of_identical_frames_is_one():
    np.testing.assert_allclose(metrics.ssim_y(_clip(3), _clip(3)), 1)


@pytest.mark.parametrize("score", [metrics.psnr_y, metrics.ssim_y])
def test_scores_refuse_what_is_no_pair_of_clips(score):
    with pytest.raises(ValueError, match="of one shape"):
        score(_clip(0), _clip(0)[:2])
    with pytest.raises(ValueError, match="uint8"):
        score(_clip(0).astype(np.float32), _clip(0))


def test_ssim_refuses_frames_smaller_than_its_window():
    with pytest.raises(ValueError, match="11 x 11"):
        metrics.ssim_y(_clip(0, (1, 10, 30, 3)), _clip(0, (1, 10, 30, 3)))
