import jax
import jax.numpy as jnp
import laws
import numpy as np
import pytest
from PIL import Image

from adavsr_jax import resampling


def _frames(*shape):
    return np.random.default_rng(0).random(shape, np.float32)


_upsample = jax.jit(resampling.upsample)


def test_upsample_agrees_with_pillow_inside():
    frame = _frames(12, 9, 1)
    image = Image.fromarray(frame[..., 0])
    expected = np.asarray(image.resize((36, 48), Image.Resampling.BICUBIC))
    found = _upsample(frame)[..., 0]
    inside = (slice(8, -8), slice(8, -8))
    np.testing.assert_allclose(found[inside], expected[inside], atol=2e-6)


def test_upsample_mirrors_at_the_border():
    # The mirrored image, up-sampled, holds the up-sampled image in its middle.
    frame = _frames(6, 5, 3)
    padded = np.pad(frame, ((3, 3), (3, 3), (0, 0)), mode="symmetric")
    np.testing.assert_allclose(
        _upsample(frame),
        _upsample(padded)[12:-12, 12:-12],
        atol=1e-6,
    )


@pytest.mark.parametrize("count", [1, 2, 5])
def test_interpolation_keeps_given_frames_exactly(count):
    frames = _frames(2, count, 3, 4, 3)
    for interpolate in (
        resampling.interpolate_linear,
        resampling.interpolate_bicubic,
    ):
        found = interpolate(frames)
        assert found.shape == (2, 2 * count - 1, 3, 4, 3)
        np.testing.assert_array_equal(found[:, ::2], frames)


def test_interpolation_is_exact_on_polynomials():
    t = np.arange(6.0, dtype=np.float32)
    fine = np.arange(0, 5.5, 0.5)
    for interpolate, power, edge in (
        (resampling.interpolate_linear, 1, 0),
        (resampling.interpolate_bicubic, 2, 2),
    ):
        found = interpolate((t**power).reshape(-1, 1, 1, 1))[:, 0, 0, 0]
        inside = slice(edge, len(fine) - edge)
        np.testing.assert_allclose(found[inside], (fine**power)[inside], rtol=1e-6)


def test_trilinear_of_a_still_clip_is_its_upsampled_frame():
    frame = _frames(4, 5, 3)
    found = jax.jit(resampling.trilinear)(np.stack([frame, frame]))
    for t in range(3):
        np.testing.assert_allclose(found[t], _upsample(frame), atol=1e-6)


def test_space_to_depth_has_its_documented_order_and_inverse():
    frames = np.arange(2 * 8 * 12 * 3).reshape(2, 8, 12, 3)
    depth = resampling.space_to_depth(frames)
    assert depth.shape == (2, 2, 3, 48)
    for row in range(4):
        for column in range(4):
            first = 3 * (4 * row + column)
            np.testing.assert_array_equal(
                depth[..., first : first + 3], frames[:, row::4, column::4]
            )
    np.testing.assert_array_equal(resampling.depth_to_space(depth), frames)


def test_flips_commute_with_upsample():
    frames = _frames(2, 4, 7, 3)
    for axis in (-3, -2):
        np.testing.assert_allclose(
            _upsample(np.flip(frames, axis)),
            jnp.flip(_upsample(frames), axis),
            atol=1e-6,
        )


@pytest.mark.parametrize(
    ("operation", "shape"),
    [
        (resampling.upsample, (2, 3, 5, 3)),
        (resampling.interpolate_linear, (4, 3, 5, 3)),
        (resampling.interpolate_bicubic, (4, 3, 5, 3)),
    ],
    ids=["upsample", "linear", "bicubic"],
)
def test_adjoint(operation, shape):
    laws.check_adjoint(operation, shape)
