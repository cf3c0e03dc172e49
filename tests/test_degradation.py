import jax
import jax.numpy as jnp
import laws
import numpy as np
import pytest
import scipy.fft
import scipy.ndimage
from PIL import Image

from adavsr_jax import degradation, kernels, pixels, resampling


def _frames(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


_reduce = jax.jit(degradation.blur_and_reduce)

# Neither symmetric nor flipped onto itself: a mirrored kernel would show.
LOPSIDED = kernels.irregular(2.4, 1.6, 1.0, seed=3)


def _reduce_by_scipy(image, kernel):
    # An even support: scipy's origin puts tap 10 on the sampled pixel, offset +0.5
    # from tap 9.5, so the sample at 4 i + 1.5 is found at index 4 i + 2.
    full = scipy.ndimage.correlate(
        image.astype(np.float64), kernel.astype(np.float64), mode="reflect"
    )
    return full[2::4, 2::4]


@pytest.mark.parametrize(("height", "width"), [(32, 44), (20, 16), (4, 8)])
def test_blur_and_reduce_is_a_correlation(height, width):
    # 4 x 8 is smaller than the margin of 8: mirrors of mirrors.
    frames = _frames(2, height, width, 3)
    found = _reduce(frames, LOPSIDED)
    for t in range(2):
        for c in range(3):
            expected = _reduce_by_scipy(frames[t, :, :, c], LOPSIDED)
            np.testing.assert_allclose(found[t, :, :, c], expected, atol=2e-6)


def _antialiased_bicubic_matrix(size):
    """Rows of weights as MATLAB's imresize has them: support 16, a = -0.5."""
    matrix = np.zeros((size // 4, size))
    for i in range(size // 4):
        centre = 4 * i + 1.5
        for position in range(4 * i - 8, 4 * i + 12):
            d = abs(position - centre) / 4
            if d <= 1:
                weight = 1.5 * d**3 - 2.5 * d**2 + 1
            elif d < 2:
                weight = -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
            else:
                continue
            mirrored = position % (2 * size)
            mirrored = min(mirrored, 2 * size - 1 - mirrored)
            matrix[i, mirrored] += weight
    return matrix / matrix.sum(axis=1, keepdims=True)


def test_bicubic_kernel_is_antialiased_bicubic_reduction():
    frame = _frames(36, 52, 1)
    rows, columns = (_antialiased_bicubic_matrix(size) for size in (36, 52))
    expected = rows @ frame[..., 0].astype(np.float64) @ columns.T
    found = _reduce(frame, kernels.bicubic())
    np.testing.assert_allclose(found[..., 0], expected, atol=2e-6)


def test_bicubic_kernel_agrees_with_pillow_inside():
    frame = _frames(64, 48, 1)
    image = Image.fromarray(frame[..., 0])
    expected = np.asarray(image.resize((12, 16), Image.Resampling.BICUBIC))
    found = _reduce(frame, kernels.bicubic())[..., 0]
    # Pillow cuts the support at the border where we mirror.
    inside = (slice(2, -2), slice(2, -2))
    np.testing.assert_allclose(found[inside], expected[inside], atol=2e-6)


def test_blur_and_reduce_is_linear_and_keeps_constants():
    a, b = _frames(3, 12, 20, 3), _frames(3, 12, 20, 3, seed=1)
    reduce = lambda frames: _reduce(frames, LOPSIDED)
    np.testing.assert_allclose(reduce(2 * a - b), 2 * reduce(a) - reduce(b), atol=2e-6)
    np.testing.assert_allclose(reduce(np.full_like(a, 0.7)), 0.7, atol=1e-6)


@pytest.mark.parametrize(
    ("operation", "shape"),
    [
        (lambda x: _reduce(x, LOPSIDED), (2, 12, 20, 3)),
        (lambda x: degradation.reduce_time(x, "mean3"), (5, 3, 4, 3)),
    ],
    ids=["blur_and_reduce", "mean3"],
)
def test_adjoint(operation, shape):
    laws.check_adjoint(operation, shape)


def test_low_resolution_pixels_sit_at_4i_plus_one_and_a_half():
    # A ramp keeps its values where no border is seen.
    y, x = np.mgrid[:64, :80].astype(np.float32)
    for kernel in (kernels.bicubic(), kernels.gaussian(1.8, 0.9, 0.6)):
        found = _reduce(np.stack([y, x], axis=-1), kernel)
        lr_y, lr_x = np.mgrid[:16, :20]
        inside = (slice(2, -2), slice(2, -2))
        np.testing.assert_allclose(
            found[..., 0][inside], (4 * lr_y + 1.5)[inside], atol=0.01
        )
        np.testing.assert_allclose(
            found[..., 1][inside], (4 * lr_x + 1.5)[inside], atol=0.01
        )


@pytest.mark.parametrize("position", [(40.0, 48.0), (41.37, 46.81), (38.5, 50.2)])
@pytest.mark.parametrize(
    "kernel",
    [kernels.bicubic(), kernels.gaussian(3.2, 1.6, 0.5), kernels.gaussian(0.8, 0.8, 0)],
    ids=["bicubic", "wide", "narrow"],
)
def test_grids_are_aligned_under_a_hundredth_of_a_pixel(position, kernel):
    y, x = np.mgrid[:96, :96].astype(np.float64)
    blob = np.exp(-((y - position[0]) ** 2 + (x - position[1]) ** 2) / (2 * 6.0**2))
    lr = _reduce(blob[..., None].astype(np.float32), kernel)
    back = np.asarray(jax.jit(resampling.upsample)(lr), np.float64)[..., 0]
    lr = np.asarray(lr, np.float64)[..., 0]
    lr_y, lr_x = 4 * np.mgrid[:24, :24] + 1.5
    for image, rows, columns in ((lr, lr_y, lr_x), (back, y, x)):
        centroid = [(image * axis).sum() / image.sum() for axis in (rows, columns)]
        np.testing.assert_allclose(centroid, position, atol=0.01)


def test_flips_commute_with_symmetric_kernels():
    frames = _frames(2, 16, 28, 3)
    kernel = kernels.gaussian(2.0, 0.9, 0.0)
    for axis in (-3, -2):
        np.testing.assert_allclose(
            _reduce(np.flip(frames, axis), kernel),
            jnp.flip(_reduce(frames, kernel), axis),
            atol=1e-6,
        )


def test_vmap_over_kernels_equals_a_loop():
    frames = _frames(3, 2, 12, 16, 3)
    kernel_batch = np.stack([LOPSIDED, kernels.disk(2), kernels.bicubic()])
    batched = jax.jit(jax.vmap(degradation.blur_and_reduce))(frames, kernel_batch)
    for index in range(3):
        one = _reduce(frames[index], kernel_batch[index])
        np.testing.assert_allclose(batched[index], one, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 18, 16, 3), (1, 16, 21, 3)])
def test_other_sizes_are_refused(shape):
    with pytest.raises(ValueError, match="crop height and width to multiples of 4"):
        degradation.blur_and_reduce(np.zeros(shape, np.float32), LOPSIDED)


@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_reduce_time_against_its_definition(count):
    frames = _frames(2, count, 2, 3, 3)
    kept = range(0, count, 2)
    drop = degradation.reduce_time(frames, "drop")
    np.testing.assert_array_equal(drop, frames[:, list(kept)])
    window = [[max(t - 1, 0), t, min(t + 1, count - 1)] for t in kept]
    mean = degradation.reduce_time(frames, "mean3")
    np.testing.assert_allclose(mean, frames[:, window].mean(axis=2), atol=1e-6)
    with pytest.raises(ValueError, match="'blend'.* drop or mean3"):
        degradation.reduce_time(frames, "blend")


def test_degrade_leaves_code_values_of_the_right_shape():
    found = degradation.degrade(_frames(2, 7, 16, 20, 3), LOPSIDED, "drop")
    assert found.shape == (2, 4, 4, 5, 3)
    np.testing.assert_array_equal(found, pixels.to_float(pixels.to_uint8(found)))


_compress = jax.jit(degradation.compress)


@pytest.mark.parametrize("step", [0.5, 1.0, 4.0])
def test_compression_rounds_the_cosine_transform_of_each_block(step):
    frame = _frames(16, 24, 1)
    found = np.asarray(_compress(frame, step))[..., 0]
    slope = np.add.outer(np.arange(8), np.arange(8)) / 14  # 0 at the mean, 1 at the end
    unit = step * 8 / 255 * (1 + 7 * slope)
    for top in (0, 8):
        for left in (0, 8, 16):
            block = np.s_[top : top + 8, left : left + 8]
            before = frame[(*block, 0)].astype(np.float64)
            cosines = scipy.fft.dctn(before, norm="ortho")
            expected = scipy.fft.idctn(np.round(cosines / unit) * unit, norm="ortho")
            np.testing.assert_allclose(found[block], expected, atol=2e-6)


def test_compression_loses_nothing_the_second_time():
    once = _compress(_frames(2, 3, 16, 24, 3), 2.0)
    np.testing.assert_allclose(_compress(once, 2.0), once, atol=2e-6)


def test_compression_loses_more_with_larger_steps_and_never_more_than_half_of_one():
    frames = _frames(3, 24, 16, 3)
    errors = []
    for step in (1e-4, 0.25, 1.0, 4.0):
        errors.append(jnp.sqrt(jnp.mean((_compress(frames, step) - frames) ** 2)))
        # The transform keeps lengths: half a unit a coefficient, units of 1 to 8 steps.
        slope = np.add.outer(np.arange(8), np.arange(8)) / 14
        bound = np.sqrt(np.mean((step * 8 / 255 * (1 + 7 * slope) / 2) ** 2))
        assert errors[-1] <= bound + 1e-6
    assert all(low < high for low, high in zip(errors, errors[1:], strict=False))


def test_compression_leaves_what_is_no_whole_block():
    frames = _frames(2, 19, 13, 3)
    found = np.asarray(_compress(frames, 8.0))
    np.testing.assert_array_equal(found[:, 16:], frames[:, 16:])
    np.testing.assert_array_equal(found[:, :, 8:], frames[:, :, 8:])
    assert (found[:, :16, :8] != frames[:, :16, :8]).mean() > 0.99
    np.testing.assert_array_equal(_compress(frames[:, :7], 8.0), frames[:, :7])


@pytest.mark.parametrize("value", [0, 3, 100, 255])
def test_compression_rounds_a_flat_block_to_a_multiple_of_the_step(value):
    flat = np.full((8, 8, 3), value / 255, np.float32)
    found = 255 * np.asarray(_compress(flat, 7.0))
    np.testing.assert_allclose(found, 7 * np.round(value / 7), atol=1e-4)


def test_compression_lets_whole_steps_of_brightness_pass():
    frames = _frames(2, 16, 16, 3)
    brighter = _compress(frames + np.float32(3 * 4 / 255), 4.0)
    np.testing.assert_allclose(brighter, _compress(frames, 4.0) + 12 / 255, atol=3e-6)
