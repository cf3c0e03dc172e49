import jax.numpy as jnp
import numpy as np

from adavsr_jax import pixels

ALL_CODES = np.arange(256, dtype=np.uint8)


def test_every_code_value_survives_the_round_trip():
    assert np.array_equal(pixels.to_uint8(pixels.to_float(ALL_CODES)), ALL_CODES)


def test_floats_go_to_the_nearest_code_and_are_clipped():
    floats = jnp.array([-0.2, 0.49 / 255, 0.51 / 255, 1.2])
    assert np.array_equal(pixels.to_uint8(floats), [0, 0, 1, 255])


def test_rounding_gives_what_a_file_would_hold():
    floats = jnp.linspace(-0.1, 1.1, 777)
    stored = pixels.to_float(pixels.to_uint8(floats))
    assert np.array_equal(pixels.round_to_8_bits(floats), stored)


def test_luma_of_black_white_and_the_primaries():
    rgb = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0]], np.uint8)
    found = pixels.luma(rgb)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [16, 235, 16 + 65.481], rtol=1e-15)


def test_luma_is_the_same_on_host_and_device():
    rgb = np.random.default_rng(0).integers(0, 256, (3, 5, 3), np.uint8)
    # float32 keeps 2e-5 of a code value at 235.
    np.testing.assert_allclose(
        pixels.luma(jnp.asarray(rgb)), pixels.luma(rgb), atol=5e-5
    )
