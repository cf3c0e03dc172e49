"""The recipe of pytorch_meta_gradient.npz: a meta-gradient by PyTorch's autograd.

    pip install torch==2.13.0
    python tests/goldens/pytorch_meta_gradient.py

Writes the file beside itself; made with PyTorch 2.13.0 on a CPU, in float64. It shares
nothing with the library: the network, its bicubic up-sampling, the loss and the inner
loop are written again, channels first, and differentiated reverse over reverse.
`tests/test_pytorch_golden.py` relies on it and draws the same numbers from the same
seed. The file may change only together with what is drawn here.
"""

import pathlib

import numpy as np
import torch
from torch.nn import functional

SEED = 0
CHANNELS, BLOCKS = 4, 2
FRAMES, HEIGHT, WIDTH = 3, 5, 6
STEPS, ALPHA, EPSILON = 3, 0.1, 0.05


def draw():
    """Weights, `[3, 3, in, out]` and `[out]` in turn; then frames and their targets.

    Frames are `[2, T, h, w, 3]` and targets `[2, T, 4h, 4w, 3]`: support, query.
    """
    rng = np.random.default_rng(SEED)
    widths = [9] + [CHANNELS] * (2 * BLOCKS + 1) + [48]
    weights = []
    for inputs, outputs in zip(widths[:-1], widths[1:], strict=True):
        weights.append(0.2 * rng.standard_normal((3, 3, inputs, outputs)))
        weights.append(0.2 * rng.standard_normal(outputs))
    frames = rng.random((2, FRAMES, HEIGHT, WIDTH, 3))
    targets = rng.random((2, FRAMES, 4 * HEIGHT, 4 * WIDTH, 3))
    return weights, frames, targets


def channels_first(images):
    return torch.tensor(images).permute(0, 3, 1, 2)


def upsample(frames):
    """Bicubic, a = -1/2 (PyTorch's with `antialias`), borders mirrored."""
    mirror = lambda x: torch.cat([x[..., :2].flip(-1), x, x[..., -2:].flip(-1)], -1)
    wide = mirror(mirror(frames).mT).mT
    large = functional.interpolate(
        wide, scale_factor=4, mode="bicubic", antialias=True, align_corners=False
    )
    return large[..., 8:-8, 8:-8]


def network(params, frames):
    """`[T, 3, h, w]` to `[T, 3, 4h, 4w]`, each frame seen with its two neighbours."""
    layers = list(zip(params[0::2], params[1::2], strict=True))
    convolve = lambda x, layer: functional.conv2d(x, *layer, padding=1)
    before = torch.cat([frames[:1], frames[:-1]])
    after = torch.cat([frames[1:], frames[-1:]])
    x = torch.relu(convolve(torch.cat([before, frames, after], 1), layers[0]))
    for n in range(1, len(layers) - 1, 2):
        x = x + convolve(torch.relu(convolve(x, layers[n])), layers[n + 1])
    phases = convolve(x, layers[-1])  # channel (4 y + x) 3 + c
    t, _, h, w = phases.shape
    # PyTorch's own shuffle wants channel 16 c + 4 y + x.
    phases = phases.reshape(t, 16, 3, h, w).transpose(1, 2).reshape(t, 48, h, w)
    return upsample(frames) + functional.pixel_shuffle(phases, 4)


def charbonnier(params, frames, target):
    difference = network(params, frames) - target
    return torch.sqrt(difference**2 + EPSILON**2).mean()


def meta_gradient(start, support, query):
    """Query loss, the support loss before each step, and the gradient at `start`."""
    theta, losses = start, []
    for _ in range(STEPS):
        loss = charbonnier(theta, *support)
        grads = torch.autograd.grad(loss, theta, create_graph=True)
        theta = [p - ALPHA * g for p, g in zip(theta, grads, strict=True)]
        losses.append(loss.item())
    value = charbonnier(theta, *query)
    return value.item(), losses, torch.autograd.grad(value, start)


def main():
    weights, frames, targets = draw()
    start = [
        torch.tensor(w.transpose(3, 2, 0, 1) if w.ndim == 4 else w, requires_grad=True)
        for w in weights
    ]
    pairs = [
        (channels_first(f), channels_first(t))
        for f, t in zip(frames, targets, strict=True)
    ]
    value, losses, grads = meta_gradient(start, *pairs)
    grads = [g.permute(2, 3, 1, 0) if g.ndim == 4 else g for g in grads]
    np.savez(
        pathlib.Path(__file__).with_suffix(".npz"),
        query_loss=value,
        support_losses=losses,
        gradient=np.concatenate([g.numpy().ravel() for g in grads]),
    )


if __name__ == "__main__":
    main()
