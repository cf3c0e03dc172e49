"""Derivatives of the inner loop, as drop-in arguments for `jax.value_and_grad`.

The inner loop and what is wanted of it (paper eq. 5-9), `l` the support loss and `L`
the query loss:

    theta_{k+1} = theta_k - alpha * grad l(theta_k),   k = 0 .. K - 1
    lambda_K    = grad L(theta_K)
    lambda_k    = lambda_{k+1} - H(theta_k) (alpha * lambda_{k+1})
    d L(theta_K) / d theta_0 = lambda_0

where `H u`, the Hessian of `l` times a vector, is all that a derivative of the inner
gradient ever has to give. The functions here have one signature,
`gradient(loss)(params, task) -> (value, grads)`, the same values, and differ only when
the gradient is differentiated in turn (the value is there to be looked at, a constant):

    jax.value_and_grad  reverse over reverse: keeps every step's activations, K times
    mixed               forward over reverse, recomputed: keeps theta_0 .. theta_K alone
    saved               forward over reverse, linearized on the way: keeps what the
                        products of each step made, for fewer operations than `mixed`
    fitting             `saved` while that fits a budget of memory, else `mixed`
    first_order         H = 0 (FOMAML; Finn et al. 2017, section 5.2): keeps nothing

Forward over reverse: Kemaev et al., "MixFlow-MG", ICML 2025.
"""

import jax


def mixed(loss):
    """The exact meta-gradient, one `jvp` of a gradient a step; memory flat in K.

    Args:
      loss: `(params, task) -> scalar`; both pytrees of floating-point arrays.

    Returns:
      `(params, task) -> (value, grads)`, as `jax.value_and_grad(loss)`, the gradient
      differentiable once more in reverse mode with respect to both arguments.
    """

    def forward(params, task):
        return jax.value_and_grad(loss)(params, task), (params, task)

    def backward(residuals, cotangents):
        params, task = residuals
        both = lambda p: jax.grad(loss, argnums=(0, 1))(p, task)
        # Second derivatives are symmetric, so the derivative of both gradients along
        # the cotangent is the cotangent of both arguments.
        return jax.jvp(both, (params,), (cotangents[1],))[1]

    return _with_derivative(loss, forward, backward)


def saved(loss):
    """The exact meta-gradient; each step keeps what its Hessian product will need.

    That is what convolutions and matrix products made of it; what lies between them is
    cheap and made again.

    Args and returns as `mixed`: 9 K + 3 units of work in place of 11 K + 3 (forward,
    input gradient and weight gradient of a convolution are one unit each), for the
    memory of K steps.
    """

    def forward(params, task):
        (grads, _), along, value = _linearized(loss, params, task)
        return (value, grads), along

    def backward(along, cotangents):
        return along(cotangents[1])

    return _with_derivative(loss, forward, backward)


def _linearized(loss, params, task):
    """Both gradients, their derivative along a vector of parameters, and the value."""

    def both(p):
        value, grads = jax.value_and_grad(loss, argnums=(0, 1))(p, task)
        return grads, value

    kept = jax.checkpoint(both, policy=_is_product, prevent_cse=False)
    return jax.linearize(kept, params, has_aux=True)


def _is_product(primitive, *_, **__):
    return primitive.name in ("adavsr_convolve", "dot_general")


def fitting(steps, budget):
    """`saved` if `steps` steps' residuals take at most `budget` bytes, else `mixed`.

    Args:
      steps: how many steps' residuals live at once: K, times the tasks side by side.
      budget: bytes.

    Returns:
      A drop-in as `mixed`; it chooses as it is traced, by shapes alone.
    """

    def gradient(loss):
        def chosen(params, task):
            fits = steps * residual_bytes(loss, params, task) <= budget
            return (saved if fits else mixed)(loss)(params, task)

        return chosen

    return gradient


def residual_bytes(loss, params, task):
    """Bytes that `saved` keeps of one step, an upper bound known before compiling.

    Args:
      loss: `(params, task) -> scalar`.
      params, task: its arguments, or trees of `jax.ShapeDtypeStruct`s in their place.

    Returns:
      An int.
    """
    along = lambda p, t: jax.tree.leaves(_linearized(loss, p, t)[1])
    kept = jax.eval_shape(along, params, task)
    return sum(leaf.size * leaf.dtype.itemsize for leaf in kept)


def first_order(loss):
    """The gradient as a constant: the meta-gradient is that at the adapted weights.

    Args and returns as `mixed`, the gradient a constant to derivatives: 3 K + 3 units
    of work.
    """
    gradient = jax.value_and_grad(loss)
    return lambda params, task: jax.lax.stop_gradient(gradient(params, task))


def at_once(loss):
    """`loss` whose gradient is taken on the way: reverse mode then keeps only that.

    `loss` is `params -> scalar`, params a tree. For losses inside a scan that is
    differentiated: K of them keep K gradients and no activations. Differentiable once,
    with respect to `params` alone.
    """

    @jax.custom_vjp
    def value(params):
        return loss(params)

    value.defvjp(
        jax.value_and_grad(loss),
        lambda grads, cotangent: (jax.tree.map(lambda g: cotangent * g, grads),),
    )
    return value


def _with_derivative(loss, forward, backward):
    gradient = jax.custom_vjp(lambda params, task: forward(params, task)[0])
    gradient.defvjp(forward, backward)
    return gradient
