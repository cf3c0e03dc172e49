"""Derivatives of the inner loop, as drop-in arguments for `jax.grad`.

The inner loop and what is wanted of it (paper eq. 5-9), `l` the support loss and `L`
the query loss:

    theta_{k+1} = theta_k - alpha * grad l(theta_k),   k = 0 .. K - 1
    lambda_K    = grad L(theta_K)
    lambda_k    = lambda_{k+1} - H(theta_k) (alpha * lambda_{k+1})
    d L(theta_K) / d theta_0 = lambda_0

where `H u`, the Hessian of `l` times a vector, is all that a derivative of the inner
gradient ever has to give. The functions here have one signature,
`gradient(loss)(params, task) -> grads`, the same values, and differ only when they are
differentiated in turn:

    jax.grad     reverse over reverse: keeps every step's activations, K times
    mixed        forward over reverse, recomputed: keeps theta_0 .. theta_K alone
    first_order  H = 0 (FOMAML; Finn et al. 2017, section 5.2): keeps nothing

Forward over reverse: Kemaev et al., "MixFlow-MG", ICML 2025.
"""

import jax


def mixed(loss):
    """The exact meta-gradient, one `jvp` of a gradient a step; memory flat in K.

    Args:
      loss: `(params, task) -> scalar`; both pytrees of floating-point arrays.

    Returns:
      `(params, task) -> grads`, as `jax.grad(loss)`, differentiable once more in
      reverse mode with respect to both arguments.
    """

    @jax.custom_vjp
    def gradient(params, task):
        return jax.grad(loss)(params, task)

    def forward(params, task):
        return gradient(params, task), (params, task)

    def backward(residuals, cotangent):
        params, task = residuals
        both = lambda p: jax.grad(loss, argnums=(0, 1))(p, task)
        # Second derivatives are symmetric, so the derivative of both gradients along
        # the cotangent is the cotangent of both arguments.
        _, (of_params, of_task) = jax.jvp(both, (params,), (cotangent,))
        return of_params, of_task

    gradient.defvjp(forward, backward)
    return gradient


def first_order(loss):
    """The gradient as a constant: the meta-gradient is that at the adapted weights."""
    gradient = jax.grad(loss)
    return lambda params, task: jax.lax.stop_gradient(gradient(params, task))
