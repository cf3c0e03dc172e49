"""The same meta-gradient in PyTorch, tasks one after the other or under its vmap."""

import functools

import numpy as np
import torch
from torch.nn import functional

from adavsr_jax import resampling
from experiments.benchmarks import problem
from experiments.benchmarks.programs import Program

MODES = ("create_graph", "create_graph, channels_last", "torch.func")
if torch.cuda.is_available():
    MODES = (*MODES, "torch.func, vmap")  # many small tasks do not fill it one by one
    # As JAX does by itself.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True


def build(shape, order, mode):
    """A `Program`; `mode` of `MODES`. First order has no graph of the inner steps."""
    channels_last = mode.endswith("channels_last")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    layout = torch.channels_last if channels_last else torch.contiguous_format
    give = lambda a: torch.tensor(np.asarray(a), device=device).contiguous(
        memory_format=layout
    )
    layers = problem.parameters(shape)["trunk"]
    names = [f"Conv_{n}" for n in range(len(layers))]
    params = []
    for name in names:
        params.append(give(layers[name]["kernel"].transpose(3, 2, 0, 1)))
        params.append(torch.tensor(layers[name]["bias"], device=device))
    tasks = [[_pair(sharp, give) for sharp in both] for both in problem.frames(shape)]
    settings = {"steps": shape.K, "second": order == "second"}
    mean_gradient = (_vmapped if mode.endswith("vmap") else _one_by_one)(
        _by_autograd if mode.startswith("create_graph") else _by_func, tasks, settings
    )

    def run():
        total = mean_gradient(params)
        if device.type == "cuda":
            torch.cuda.synchronize()
        kernels = [g.permute(2, 3, 1, 0).cpu().numpy() for g in total[0::2]]
        biases = [g.cpu().numpy() for g in total[1::2]]
        found = zip(names, kernels, biases, strict=True)
        return {"trunk": {n: {"kernel": k, "bias": b} for n, k, b in found}}

    remat = "save" if order == "second" else None
    return Program("torch", order, mode, remat, run, 0.0, None, 1)


def _pair(sharp, give):
    """Input window `[F, 9, 16, 16]`, its up-sampling and the target `[F, 3, 64, 64]`.

    The up-sampling is made beforehand, which costs PyTorch nothing while it is timed.
    """
    frames = problem.seen(sharp)[0]  # [F, 16, 16, 3]
    before = np.concatenate([frames[:1], frames[:-1]])
    after = np.concatenate([frames[1:], frames[-1:]])
    window = np.concatenate([before, frames, after], axis=-1)
    images = (window, resampling.upsample(frames), sharp[0])
    return [give(np.asarray(image).transpose(0, 3, 1, 2)) for image in images]


def _one_by_one(meta_gradient, tasks, settings):
    def mean_gradient(params):
        total = [torch.zeros_like(p) for p in params]
        for support, query in tasks:
            grads = meta_gradient(params, support, query, **settings)
            for sum_, grad in zip(total, grads, strict=True):
                sum_ += grad / len(tasks)
        return total

    return mean_gradient


def _vmapped(meta_gradient, tasks, settings):
    both = [
        [torch.stack(images) for images in zip(*pairs, strict=True)]
        for pairs in zip(*tasks, strict=True)
    ]
    each = torch.func.vmap(functools.partial(meta_gradient, **settings), (None, 0, 0))
    return lambda params: [grads.mean(0) for grads in each(params, *both)]


def _loss(params, pair):
    window, up, target = pair
    layers = list(zip(params[0::2], params[1::2], strict=True))
    convolve = lambda x, layer: functional.conv2d(x, *layer, padding=1)
    x = functional.relu(convolve(window, layers[0]))
    for first, second in zip(layers[1:-1:2], layers[2:-1:2], strict=True):
        x = x + convolve(functional.relu(convolve(x, first)), second)
    phases = convolve(x, layers[-1])  # channel (4 y + x) 3 + c
    f, _, h, w = phases.shape
    blocks = phases.reshape(f, 4, 4, 3, h, w).permute(0, 3, 4, 1, 5, 2)
    difference = up + blocks.reshape(f, 3, 4 * h, 4 * w) - target
    return torch.sqrt(difference**2 + problem.EPSILON**2).mean()


def _by_autograd(params, support, query, steps, second):
    start = [p.detach().requires_grad_() for p in params]
    theta = start
    for _ in range(steps):
        grads = torch.autograd.grad(_loss(theta, support), theta, create_graph=second)
        theta = [p - problem.ALPHA * g for p, g in zip(theta, grads, strict=True)]
        if not second:
            theta = [p.detach().requires_grad_() for p in theta]
    return torch.autograd.grad(_loss(theta, query), start if second else theta)


def _by_func(params, support, query, steps, second):
    def adapted_loss(start):
        theta = start
        for _ in range(steps):
            grads = torch.func.grad(_loss)(theta, support)
            if not second:
                grads = tuple(g.detach() for g in grads)
            theta = tuple(
                p - problem.ALPHA * g for p, g in zip(theta, grads, strict=True)
            )
        return _loss(theta, query)

    return torch.func.grad(adapted_loss)(tuple(params))
