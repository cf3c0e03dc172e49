"""Every derivative of the project's convolution is that of `lax`'s, and canonical."""

import jax
import jax.numpy as jnp
import laws
import numpy as np
import pytest

from adavsr_jax import convolution

PADDING = ((1, 2), (0, 1))


def _lax(image, kernel):
    return jax.lax.conv_general_dilated(
        image, kernel, (1, 1), PADDING, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def _ours(image, kernel):
    return convolution.convolve(image, kernel, PADDING)


def _operands(*leading, seed=0):
    # Sizes differ on every axis, so that no transposition can hide.
    rng = np.random.default_rng(seed)
    image = rng.standard_normal((*leading, 2, 7, 6, 3))
    kernel = rng.standard_normal((*leading, 4, 3, 3, 5))
    return jnp.asarray(image), jnp.asarray(kernel)


def _energy(convolve):
    # Neither linear nor quadratic in either operand: third derivatives do not vanish.
    return lambda image, kernel: jnp.sum(jnp.sin(convolve(image, kernel)))


def _derivatives(convolve, image, kernel, tangents):
    """Values and directional derivatives up to the third order, in mixed modes."""
    energy = _energy(convolve)
    gradient = jax.grad(energy, argnums=(0, 1))
    hessian = lambda *at: jax.jvp(gradient, at, tangents)[1]  # forward over reverse
    reverse = jax.grad(lambda *at: sum(map(jnp.vdot, gradient(*at), tangents)), (0, 1))
    return {
        "value": convolve(image, kernel),
        "gradient": gradient(image, kernel),
        "forward over reverse": hessian(image, kernel),
        "reverse over reverse": reverse(image, kernel),
        "forward over both": jax.jvp(hessian, (image, kernel), tangents)[1],
        "reverse over forward": jax.grad(
            lambda *at: jax.jvp(energy, at, tangents)[1], (0, 1)
        )(image, kernel),
    }


def test_every_derivative_order_equals_lax_in_float64():
    with jax.enable_x64(True):
        operands, tangents = _operands(), _operands(seed=1)
        ours = _derivatives(_ours, *operands, tangents)
        theirs = _derivatives(_lax, *operands, tangents)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11),
            ours,
            theirs,
        )


def test_an_image_smaller_than_its_kernel_is_refused():
    image, kernel = jnp.ones((1, 1, 5, 1)), jnp.ones((3, 3, 1, 1))
    with pytest.raises(ValueError, match=r"\(3, 3\) does not fit in \(1, 5\) padded"):
        convolution.convolve(image, kernel, ((0, 0), (0, 0)))


@pytest.mark.parametrize("axes", [(0, 0), (0, None), (None, 0)])
def test_batching_equals_a_loop_in_every_derivative(axes):
    with jax.enable_x64(True):
        many, tangents = _operands(3), _operands(3, seed=1)
        pick = lambda arrays, n: tuple(
            a[0 if axis is None else n] for a, axis in zip(arrays, axes, strict=True)
        )
        given = tuple(
            a[0] if axis is None else a for a, axis in zip(many, axes, strict=True)
        )
        mapped = jax.vmap(
            lambda *at: _derivatives(_ours, *at[:2], at[2:]), (*axes, 0, 0)
        )(*given, *tangents)
        for n in range(3):
            direction = (tangents[0][n], tangents[1][n])
            alone = _derivatives(_ours, *pick(many, n), direction)
            jax.tree.map(
                lambda a, b, n=n: np.testing.assert_allclose(
                    a[n], b, rtol=1e-11, atol=1e-11
                ),
                mapped,
                alone,
            )


def test_the_accelerators_form_of_the_weight_gradient_is_the_same_map():
    with jax.enable_x64(True):
        image, _ = _operands()
        cotangent = jnp.asarray(np.random.default_rng(2).standard_normal((2, 7, 5, 5)))
        np.testing.assert_allclose(
            convolution._correlate_by_lax(image, cotangent, padding=PADDING),
            convolution._correlate_on_cpu(image, cotangent, padding=PADDING),
            rtol=1e-12,
        )


def _compiled(function, *arguments):
    return jax.jit(function).lower(*arguments).compile().as_text()


def _scanned_meta_gradient(image, kernel):
    def adapted_energy(kernel):
        step = lambda k, _: (k - 0.01 * jax.grad(_energy(_ours), 1)(image, k), None)
        return _energy(_ours)(image, jax.lax.scan(step, kernel, length=2)[0])

    return jax.grad(adapted_energy)(kernel)


def test_only_canonical_convolutions_are_compiled():
    text = _compiled(_scanned_meta_gradient, *map(jnp.float32, _operands()))
    assert len(laws.convolutions(text)) >= 4
    laws.check_canonical(text)


def test_no_grouped_convolution_under_vmap_over_kernels():
    operands = map(jnp.float32, _operands(3))
    assert "group_count" not in _compiled(jax.vmap(_scanned_meta_gradient), *operands)


def test_refuses_what_it_cannot_do():
    image, kernel = map(jnp.float32, _operands())
    with pytest.raises(ValueError, match="channels"):
        convolution.convolve(image[..., :2], kernel, PADDING)
    with pytest.raises(ValueError, match="padding"):
        convolution.convolve(image, kernel, ((4, 0), (0, 0)))
    with pytest.raises(ValueError, match="strides"):
        convolution.conv_general_dilated(
            image, kernel, (2, 2), PADDING, dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
