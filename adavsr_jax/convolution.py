"""Convolution whose derivatives of every order are fast inside `lax.scan`, also on CPU.

`y[b, i, j, o] = sum_{u, v, c} x[b, i + u - top, j + v - left, c] w[u, v, c, o]`

is bilinear in the image `x` and the kernel `w`, and so is its gradient with respect
to the kernel, `dw = G(x, g)`. The two are closed under transposition:

    convolve(x, w):         d/dx = convolve(g, mirrored w)     d/dw = G(x, g)
    G(x, g), cotangent u:   d/dx = convolve(g, mirrored u)     d/dg = convolve(x, u)

XLA's CPU backend convolves fast only NHWC x HWIO -> NHWC without reversal, and inside
a loop nothing rewrites other forms into it; JAX's own transposes of a convolution are
other forms, 26 and 49 times slower there. So both are primitives of their own that are
lowered to that one form on CPU (channels filled up to a multiple of four, else it is
slow again), and whose transposes are again these two: forward mode, reverse mode and
any mixture of them meet no other convolution. (An image smaller than its kernel is an
exception: XLA swaps the two, and such images are too small to matter.)

Under `vmap` over kernels (tasks with weights of their own) a convolution becomes
patches times matrices, one batched matmul, in place of a grouped convolution.
"""

import operator

import jax
import jax.numpy as jnp
from jax.extend import core
from jax.interpreters import ad, batching, mlir


def convolve(image, kernel, padding):
    """Correlates `image` with `kernel`, stride 1, zeros outside.

    Args:
      image: `[B, H, W, Ci]`, floating point.
      kernel: `[Kh, Kw, Ci, Co]`, of the image's dtype.
      padding: `((top, bottom), (left, right))`, pixels, each in `0 .. K - 1`.

    Returns:
      `[B, H + top + bottom - Kh + 1, W + left + right - Kw + 1, Co]`.

    Raises:
      ValueError: channels or dtypes differ, padding is outside its range, or the padded
        image is smaller than the kernel.
    """
    padding = tuple(tuple(map(operator.index, sides)) for sides in padding)
    if image.shape[-1] != kernel.shape[2] or image.dtype != kernel.dtype:
        raise ValueError(
            f"image {image.shape} {image.dtype} and kernel {kernel.shape} "
            f"{kernel.dtype} must agree in channels and dtype"
        )
    for sides, size in zip(padding, kernel.shape[:2], strict=True):
        if not all(0 <= side < size for side in sides):
            raise ValueError(
                f"padding {padding} must lie in 0 .. K - 1 of kernel {kernel.shape}"
            )
    return _bind(_convolve, image, kernel, padding)


def conv_general_dilated(
    lhs,
    rhs,
    window_strides,
    padding,
    lhs_dilation=None,
    rhs_dilation=None,
    dimension_numbers=None,
    feature_group_count=1,
    batch_group_count=1,
    precision=None,
    preferred_element_type=None,
):
    """`convolve` in the clothes of `lax.conv_general_dilated`, for `nn.Conv`.

    Raises:
      ValueError: anything but a dense 2-D convolution of stride 1 is asked for.
    """
    plain = (
        all(s == 1 for s in window_strides)
        and all(d == 1 for d in (*(lhs_dilation or ()), *(rhs_dilation or ())))
        and feature_group_count == batch_group_count == 1
        and precision is None
        and preferred_element_type is None
        and lhs.ndim == rhs.ndim == 4
    )
    numbers = jax.lax.conv_dimension_numbers(lhs.shape, rhs.shape, dimension_numbers)
    if not plain or numbers != ((0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2)):
        raise ValueError(
            "convolution.conv_general_dilated knows dense NHWC x HWIO convolutions of "
            f"stride 1 without dilation; got strides {window_strides}, dilations "
            f"{lhs_dilation} {rhs_dilation}, {feature_group_count} groups, {numbers}"
        )
    if isinstance(padding, str):
        padding = jax.lax.padtype_to_pads(
            lhs.shape[1:3], rhs.shape[:2], window_strides, padding
        )
    return convolve(lhs, rhs, padding)


def _bind(primitive, left, right, padding):
    # Inside shard_map a value varies over mesh axes or does not; operands must agree.
    varying = [jax.typeof(a).manual_axis_type.varying for a in (left, right)]
    union = varying[0] | varying[1]
    left, right = (
        jax.lax.pcast(a, tuple(union - own), to="varying") if union - own else a
        for a, own in zip((left, right), varying, strict=True)
    )
    return primitive.bind(left, right, padding=padding)


def _kernel_gradient(image, cotangent, padding):
    """`G(x, g)`: `[B, H, W, Ci]` and `[B, H', W', Co]` to `[Kh, Kw, Ci, Co]`."""
    return _bind(_correlate, image, cotangent, padding)


def _image_gradient(cotangent, kernel, padding):
    mirrored = jnp.flip(kernel, (0, 1)).swapaxes(2, 3)  # [Kh, Kw, Co, Ci]
    opposite = tuple(
        (size - 1 - low, size - 1 - high)
        for size, (low, high) in zip(kernel.shape[:2], padding, strict=True)
    )
    return _bind(_convolve, cotangent, mirrored, opposite)


def _window(sizes, others, padding):
    """Output positions of a window of `others` sliding over padded `sizes`."""
    positions = tuple(
        n + sum(sides) - k + 1
        for n, k, sides in zip(sizes, others, padding, strict=True)
    )
    if min(positions) < 0:
        raise ValueError(
            f"a window of {tuple(others)} does not fit in {tuple(sizes)} padded by "
            f"{tuple(padding)}"
        )
    return positions


def _convolve_shape(image, kernel, *, padding):
    height, width = _window(image.shape[1:3], kernel.shape[:2], padding)
    return image.update(shape=(image.shape[0], height, width, kernel.shape[3]))


def _correlate_shape(image, cotangent, *, padding):
    height, width = _window(image.shape[1:3], cotangent.shape[1:3], padding)
    shape = (height, width, image.shape[3], cotangent.shape[3])
    return image.update(shape=shape)


def _lax(lhs, rhs, padding, numbers):
    return jax.lax.conv_general_dilated(
        lhs, rhs, (1, 1), padding, dimension_numbers=numbers
    )


def _convolve_by_lax(image, kernel, *, padding):
    return _lax(image, kernel, padding, ("NHWC", "HWIO", "NHWC"))


def _convolve_on_cpu(image, kernel, *, padding):
    # The CPU's convolution is up to ten times slower on channels that four does not
    # divide (3 -> 24, in scan: 156 and 15 us).
    missing = -image.shape[-1] % 4
    image = jnp.pad(image, ((0, 0), (0, 0), (0, 0), (0, missing)))
    kernel = jnp.pad(kernel, ((0, 0), (0, 0), (0, missing), (0, 0)))
    return _convolve_by_lax(image, kernel, padding=padding)


def _correlate_on_cpu(image, cotangent, *, padding):
    swapped = _lax(
        image.transpose(3, 1, 2, 0),  # [Ci, H, W, B]
        cotangent.transpose(1, 2, 0, 3),  # [H', W', B, Co]
        padding,
        ("NHWC", "HWIO", "NHWC"),
    )  # [Ci, Kh, Kw, Co]
    return swapped.transpose(1, 2, 0, 3)


def _correlate_by_lax(image, cotangent, *, padding):
    """The form that GPU and TPU compilers know as a weight gradient."""
    return _lax(image, cotangent, padding, ("CHWN", "IHWO", "HWNC"))


def _patches(image, sizes, positions, padding):
    """`[..., H, W, C]` to `[..., H', W', Kh * Kw * C]`, by slices alone."""
    edges = [(0, 0)] * (image.ndim - 3) + [*padding, (0, 0)]
    padded = jnp.pad(image, edges)
    height, width = positions
    return jnp.concatenate(
        [
            padded[..., u : u + height, v : v + width, :]
            for u in range(sizes[0])
            for v in range(sizes[1])
        ],
        axis=-1,
    )


def _batch_convolve(operands, axes, *, padding):
    image, kernel = operands
    if axes[1] is None:  # one kernel: tasks are a longer batch
        image = jnp.moveaxis(image, axes[0], 0)  # [N, B, H, W, Ci]
        tasks, batch = image.shape[:2]
        flat = _bind(_convolve, image.reshape(-1, *image.shape[2:]), kernel, padding)
        return flat.reshape(tasks, batch, *flat.shape[1:]), 0
    kernel = jnp.moveaxis(kernel, axes[1], 0)  # [N, Kh, Kw, Ci, Co]
    tasks, kh, kw, ci, co = kernel.shape
    if axes[0] is None:  # one image: tasks are more channels
        wide = kernel.transpose(1, 2, 3, 0, 4).reshape(kh, kw, ci, tasks * co)
        flat = _bind(_convolve, image, wide, padding)
        return flat.reshape(*flat.shape[:3], tasks, co), 3
    image = jnp.moveaxis(image, axes[0], 0)
    positions = _window(image.shape[2:4], (kh, kw), padding)
    patches = _patches(image, (kh, kw), positions, padding)
    columns = patches.reshape(tasks, -1, kh * kw * ci)
    product = columns @ kernel.reshape(tasks, kh * kw * ci, co)  # [N, B H' W', Co]
    return product.reshape(*patches.shape[:-1], co), 0


def _batch_correlate(operands, axes, *, padding):
    image, cotangent = (
        a if axis is None else jnp.moveaxis(a, axis, 0)
        for a, axis in zip(operands, axes, strict=True)
    )
    if axes[0] is None or axes[1] is None:  # tasks are more channels of either
        wide = [
            a if axis is None else jnp.moveaxis(a, 0, 3).reshape(*a.shape[1:4], -1)
            for a, axis in zip((image, cotangent), axes, strict=True)
        ]
        flat = _bind(_correlate, *wide, padding)  # [Kh, Kw, N Ci, Co] or [.., Ci, N Co]
        split = (2, image.shape[0]) if axes[1] is None else (3, cotangent.shape[0])
        shape = list(flat.shape)
        shape[split[0] : split[0] + 1] = [split[1], shape[split[0]] // split[1]]
        return flat.reshape(shape), split[0]
    positions = cotangent.shape[2:4]
    kh, kw = _window(image.shape[2:4], positions, padding)
    tasks, ci, co = image.shape[0], image.shape[-1], cotangent.shape[-1]
    patches = _patches(image, (kh, kw), positions, padding)
    columns = patches.reshape(tasks, -1, kh * kw * ci)
    product = columns.mT @ cotangent.reshape(tasks, -1, co)
    return product.reshape(tasks, kh, kw, ci, co), 0


def _primitive(name, shape, lowering, cpu_lowering, batch, transposes):
    primitive = core.Primitive(name)
    primitive.def_abstract_eval(shape)
    primitive.def_impl(jax.jit(primitive.bind, static_argnames="padding"))
    mlir.register_lowering(primitive, mlir.lower_fun(lowering, multiple_results=False))
    mlir.register_lowering(
        primitive, mlir.lower_fun(cpu_lowering, multiple_results=False), platform="cpu"
    )
    batching.primitive_batchers[primitive] = batch
    ad.defbilinear(primitive, *transposes)
    return primitive


_convolve = _primitive(
    "adavsr_convolve",
    _convolve_shape,
    _convolve_by_lax,
    _convolve_on_cpu,
    _batch_convolve,
    (
        lambda g, image, kernel, *, padding: _image_gradient(g, kernel, padding),
        lambda g, image, kernel, *, padding: _kernel_gradient(image, g, padding),
    ),
)
_correlate = _primitive(
    "adavsr_correlate",
    _correlate_shape,
    _correlate_by_lax,
    _correlate_on_cpu,
    _batch_correlate,
    (
        lambda u, image, cotangent, *, padding: _image_gradient(cotangent, u, padding),
        lambda u, image, cotangent, *, padding: convolve(image, u, padding),
    ),
)
