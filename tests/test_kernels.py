import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adavsr_jax import kernels

GRID_Y, GRID_X = np.meshgrid(kernels.OFFSETS, kernels.OFFSETS, indexing="ij")


def _closed_form(s1, s2, angle):
    axis = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-axis[1], axis[0]])
    covariance = s1**2 * np.outer(axis, axis) + s2**2 * np.outer(across, across)
    d = np.stack([GRID_X, GRID_Y], axis=-1)
    weights = np.exp(-np.einsum("yxi,ij,yxj->yx", d, np.linalg.inv(covariance), d) / 2)
    return weights / weights.sum()


@pytest.mark.parametrize(
    ("s1", "s2", "degrees"),
    [(0.8, 0.8, 0), (2.4, 1.2, 45), (3.2, 1.6, 30), (3, 1, 120)],
)
def test_gaussian_matches_its_covariance_in_float64(s1, s2, degrees):
    angle = np.deg2rad(degrees)
    kernel = kernels.gaussian(s1, s2, angle)
    np.testing.assert_allclose(kernel, _closed_form(s1, s2, angle), atol=1e-6)


def test_angle_runs_from_x_toward_y():
    # At 30 degrees the long axis has more x than y, and x and y grow together.
    kernel = np.asarray(kernels.gaussian(2.0, 0.8, np.deg2rad(30)), np.float64)
    assert (kernel * GRID_X**2).sum() > (kernel * GRID_Y**2).sum()
    assert (kernel * GRID_X * GRID_Y).sum() > 0.5


def test_bicubic_reproduces_quadratics():
    # a = -0.5 is Keys' third-order choice: no second moment, and taps sum to one.
    kernel = np.asarray(kernels.bicubic(), np.float64)
    assert abs(kernel.sum() - 1) < 1e-6
    assert abs((kernel * GRID_X**2).sum()) < 0.05
    assert kernel[:2].sum() == kernel[-2:].sum() == 0


@pytest.mark.parametrize(
    "kernel",
    [
        kernels.gaussian(2.8, 0.8, 2.0),
        kernels.gaussian(0.05, 0.05, 0.0),
        kernels.bicubic(),
        kernels.motion(9, np.deg2rad(30)),
        kernels.disk(3),
    ],
    ids=["gaussian", "point", "bicubic", "motion", "disk"],
)
def test_kernels_are_centred_symmetric_and_sum_to_one(kernel):
    kernel = np.asarray(kernel)
    assert kernel.dtype == np.float32 and kernel.shape == (20, 20)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-7)
    assert abs(kernel.sum(dtype=np.float64) - 1) < 1e-6


def test_motion_has_the_variance_of_its_path():
    # Along the path 1 + length^2 / 12, across it 1 (sampling adds under 1 %).
    kernel = kernels.motion(6, np.pi / 2).astype(np.float64)
    np.testing.assert_allclose((kernel * GRID_X**2).sum(), 1, rtol=0.01)
    np.testing.assert_allclose((kernel * GRID_Y**2).sum(), 1 + 36 / 12, rtol=0.015)


def test_disk_is_flat_inside_and_empty_outside():
    kernel = kernels.disk(3)
    radius = np.hypot(GRID_X, GRID_Y)
    np.testing.assert_allclose(kernel[radius < 2.2], 1 / (np.pi * 9), rtol=0.02)
    assert (kernel[radius > 3.8] == 0).all()


def test_irregular_is_the_gaussian_times_the_seed():
    expected = _closed_form(2.4, 1.6, 1.0) * (
        0.5 + np.random.default_rng(0).random((20, 20))
    )
    kernel = kernels.irregular(2.4, 1.6, 1.0, seed=0)
    np.testing.assert_allclose(kernel, expected / expected.sum(), atol=1e-6)


@functools.cache
def _draw(distribution):
    keys = jax.random.split(jax.random.key(1), 4000)
    draw = jax.jit(jax.vmap(lambda key: kernels.sample(key, distribution)))
    return jax.tree.map(np.asarray, draw(keys))


@pytest.mark.parametrize(
    ("distribution", "low", "high", "bicubic"),
    [
        (kernels.uniform(), 0.6, 3.4, 0.1),
        (kernels.mzsr(), 1.0, 10**0.5, 0.0),
        (kernels.dynavsr(), 0.2, 5.0, 0.0),
        (kernels.only_bicubic(), 0.6, 3.4, 1.0),
    ],
    ids=["uniform", "mzsr", "dynavsr", "bicubic"],
)
def test_samples_fill_their_range(distribution, low, high, bicubic):
    s1, s2, angle, is_bicubic = _draw(distribution)
    assert (s1 >= s2).all() and s2.min() >= low * 0.999 and s1.max() <= high * 1.001
    assert s1.max() > high - 0.05 * (high - low) and s2.min() < low + 0.05
    assert angle.min() >= 0 and angle.max() <= np.pi and abs(angle.mean() - 1.57) < 0.05
    # Three standard deviations of a proportion of 4000 draws are 0.015 at 0.1.
    assert abs(is_bicubic.mean() - bicubic) <= 0.015


def test_wide_and_narrow_have_the_moments_of_their_law():
    uniform, dynavsr = _draw(kernels.uniform()), _draw(kernels.dynavsr())
    # s1 ~ U(0.6, 3.4), s2 ~ U(0.6, s1): means 2.0 and 1.3; the sorted pair of two
    # U(0.2, 5): thirds of the range.
    np.testing.assert_allclose(
        [uniform.s1.mean(), uniform.s2.mean()], [2, 1.3], rtol=0.03
    )
    np.testing.assert_allclose(
        [dynavsr.s1.mean(), dynavsr.s2.mean()], [3.4, 1.8], rtol=0.03
    )


def test_from_parameters_chooses_under_jit_and_vmap():
    parameters = kernels.Parameters(
        jnp.array([2.0, 2.0]),
        jnp.array([1.0, 1.0]),
        jnp.array([0.3, 0.3]),
        jnp.array([False, True]),
    )
    both = jax.jit(jax.vmap(kernels.from_parameters))(parameters)
    np.testing.assert_allclose(both[0], _closed_form(2, 1, 0.3), atol=1e-6)
    np.testing.assert_array_equal(both[1], kernels.bicubic())


def test_jitter_has_its_size_and_keeps_the_order_of_axes():
    s1, s2 = jnp.float32(2.0), jnp.float32(1.9)
    exact = kernels.Parameters(s1, s2, jnp.float32(1.0), jnp.bool_(False))
    keys = jax.random.split(jax.random.key(2), 4000)
    found = jax.jit(jax.vmap(lambda key: kernels.jitter(key, exact)))(keys)
    found = jax.tree.map(np.asarray, found)
    assert (found.s1 >= found.s2).all() and (found.s2 > 0).all()
    # The product does not see the exchange of axes: its log has twice the variance.
    np.testing.assert_allclose(
        np.std(np.log(found.s1 * found.s2)), 0.1 * 2**0.5, rtol=0.05
    )
    turned = (found.angle - 1.0) > np.pi / 4
    np.testing.assert_allclose(
        np.std(found.angle - 1.0 - turned * np.pi / 2), np.deg2rad(6), rtol=0.05
    )
    assert 0.2 < turned.mean() < 0.5


@pytest.mark.parametrize(
    ("kernel", "complaint"),
    [
        (np.ones((19, 19)) / 361, "shape (19, 19)"),
        (np.ones((20, 20), np.int64), "dtype int64"),
        (np.full((20, 20), np.nan), "not finite"),
        (np.ones((20, 20)), "sum 400"),
    ],
)
def test_check_names_what_is_wrong(kernel, complaint):
    with pytest.raises(ValueError, match="k.npy: .*") as error:
        kernels.check(kernel, "k.npy")
    assert complaint in str(error.value) and "\n" not in str(error.value)


def test_check_passes_a_good_kernel_on_as_float32():
    kernel = _closed_form(2, 1, 0)
    checked = kernels.check(kernel, "k")
    assert checked.dtype == np.float32
    np.testing.assert_array_equal(checked, kernel.astype(np.float32))


def test_the_transfer_of_a_gaussian_is_that_of_its_covariance():
    s1, s2, angle = 2.4, 1.3, 0.4
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    covariance = axes.T @ np.diag([s1**2, s2**2]) @ axes
    directions = np.deg2rad([0, 45, 90, 135])
    waves = [
        r * np.pi / 4 * np.array([np.cos(d), np.sin(d)])
        for r in (0.5, 1, 2)
        for d in directions
    ]
    expected = [np.exp(-w @ covariance @ w / 2) for w in waves]
    # Taps end at 9.5 pixels, four standard deviations of the wider axis.
    found = kernels.transfer(kernels.gaussian(s1, s2, angle))
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_the_transfer_tells_the_bicubic_from_every_gaussian():
    bicubic = kernels.transfer(kernels.bicubic())
    widths = [(s, s * r) for s in np.arange(0.6, 3.6, 0.2) for r in (0.4, 0.7, 1)]
    nearest = min(
        np.abs(kernels.transfer(kernels.gaussian(*w, 0.0)) - bicubic).max()
        for w in widths
    )
    assert nearest > 0.05


def _covariance(s1, s2, angle):
    """xx, xy, yy of the ellipse, float64."""
    along, across = s1**2, s2**2
    cos, sin = np.cos(angle), np.sin(angle)
    return (
        along * cos**2 + across * sin**2,
        (along - across) * cos * sin,
        along * sin**2 + across * cos**2,
    )


@pytest.mark.parametrize("degrees", [-200, 0, 30, 90, 135, 180])
@pytest.mark.parametrize("widths", [(0.6, 0.6), (2.0, 1.9), (3.4, 0.6)])
def test_a_covariance_names_the_gaussian_of_its_ellipse(widths, degrees):
    angle = np.deg2rad(degrees)
    covariance = map(jnp.float32, _covariance(*widths, angle))
    found = kernels.from_covariance(*covariance)
    np.testing.assert_allclose(found, kernels.gaussian(*widths, angle), atol=2e-6)
    assert found.dtype == jnp.float32


@pytest.mark.parametrize(
    "s1, s2, degrees", [(2.4, 1.2, 30), (2.0, 0.8, 90), (1.6, 1.0, 135), (2.2, 1.1, 0)]
)
def test_moments_measure_what_a_gaussian_was_made_of(s1, s2, degrees):
    kernel = np.asarray(kernels.gaussian(s1, s2, np.deg2rad(degrees)))
    # Rows and columns rolled: only zeros, but for 1e-5 of the widest, change sides.
    for moved in (kernel, np.roll(kernel, (1, -1), (0, 1))):
        found = kernels.moments(moved)
        np.testing.assert_allclose(found[:2], [s1, s2], rtol=2e-3)
        turn = (found[2] - degrees + 90) % 180 - 90
        assert abs(turn) < 0.2 and 0 <= found[2] < 180


def test_moments_of_a_bicubic_are_none():
    s1, s2, _ = kernels.moments(np.asarray(kernels.bicubic()))
    assert 0 <= s2 <= s1 < 0.3


def test_the_error_of_a_kernel_is_relative():
    truth, other = kernels.gaussian(2.0, 1.0, 0.3), kernels.disk(3)
    assert kernels.error(truth, truth) == 0
    np.testing.assert_allclose(kernels.error(0 * truth, truth), 1, rtol=1e-6)
    halfway = truth + (other - truth) / 2
    np.testing.assert_allclose(
        kernels.error(halfway, truth), kernels.error(other, truth) / 2, rtol=1e-5
    )
    np.testing.assert_allclose(
        kernels.error(3 * other, 3 * truth), kernels.error(other, truth), rtol=1e-6
    )
