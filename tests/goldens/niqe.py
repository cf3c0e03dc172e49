"""The recipe of niqe.npz: NIQE by BasicSR, of pictures drawn from a seed.

    pip install "setuptools<70" wheel cython numpy scipy opencv-python-headless torch
    pip install --no-deps --no-build-isolation basicsr==1.4.2
    python tests/goldens/niqe.py

Writes the file beside itself; made with PyTorch 2.14.1, NumPy 2.4.6, SciPy 1.17.1 and
OpenCV 5.0.0 on a CPU. It shares nothing with the library. The published parameters of
pristine pictures are not ours to copy, so those here are the mean and covariance of the
features, by BasicSR's code, of other pictures drawn the same way; they are in the file.
`tests/test_niqe.py` relies on it and draws the same pictures with `scored`. The file
may change only together with what is drawn here.
"""

import importlib
import importlib.metadata
import pathlib
import sys
import types

import numpy as np

SEED = 0
HEIGHT, WIDTH = 310, 400
PRISTINE = 24  # pictures of 12 blocks each


def draw(rng):
    """A picture, uint8 `[H, W, 3]`: noise with the spectrum of photographs, 1 / f."""
    spectrum = np.fft.rfft2(rng.standard_normal((3, HEIGHT, WIDTH)))
    y, x = np.fft.fftfreq(HEIGHT), np.fft.rfftfreq(WIDTH)
    frequency = np.hypot(y[:, None], x)
    frequency[0, 0] = np.inf
    noise = np.fft.irfft2(spectrum / frequency, (HEIGHT, WIDTH))
    values = 128 + 48 * noise / noise.std()
    return np.clip(np.round(values), 0, 255).astype(np.uint8).transpose(1, 2, 0)


def scored():
    """uint8 `[4, H, W, 3]`: as drawn, in few colours, with a black bar, and noisy."""
    rng = np.random.default_rng(SEED)
    plain, colours, bar, noisy = (draw(rng) for _ in range(4))
    colours = colours // 24 * 24
    bar[:100] = 0
    noise = rng.normal(0, 12, noisy.shape)
    noisy = np.clip(np.round(noisy + noise), 0, 255).astype(np.uint8)
    return np.stack([plain, colours, bar, noisy])


def basicsr():
    """BasicSR's module `niqe`, with the two others that it needs and no more.

    To import the package itself would take all that its networks need.
    """
    found = importlib.metadata.distribution("basicsr")
    for name in ("basicsr", "basicsr.utils", "basicsr.metrics"):
        package = types.ModuleType(name)
        package.__path__ = [str(found.locate_file(name.replace(".", "/")))]
        sys.modules[name] = package
    colours = importlib.import_module("basicsr.utils.color_util")
    sys.modules["basicsr.utils"].bgr2ycbcr = colours.bgr2ycbcr
    return importlib.import_module("basicsr.metrics.niqe")


def luma(reference, picture):
    return np.round(reference.to_y_channel(picture[..., ::-1]).squeeze())


def window():
    taps = np.exp(-(np.arange(-3, 4) ** 2) / (2 * (7 / 6) ** 2))
    return np.outer(taps, taps) / taps.sum() ** 2


def features(reference, picture):
    """`[blocks, 36]`, from the parts that BasicSR's `niqe` is made of."""
    image = luma(reference, picture)[: HEIGHT // 96 * 96, : WIDTH // 96 * 96]
    scales = []
    for side in (96, 48):
        mean = reference.convolve(image, window(), mode="nearest")
        square = reference.convolve(image**2, window(), mode="nearest")
        normal = (image - mean) / (np.sqrt(np.abs(square - mean**2)) + 1)
        corners = [
            (y, x)
            for y in range(0, len(image), side)
            for x in range(0, len(image[0]), side)
        ]
        blocks = [normal[y : y + side, x : x + side] for y, x in corners]
        scales.append([reference.compute_feature(block) for block in blocks])
        image = reference.imresize(image / 255, 0.5) * 255
    return np.concatenate(scales, axis=1)


def main():
    reference = basicsr()
    rng = np.random.default_rng(SEED + 1)
    rows = np.concatenate([features(reference, draw(rng)) for _ in range(PRISTINE)])
    mean, covariance = rows.mean(axis=0), np.cov(rows, rowvar=False)
    scores = [
        reference.niqe(luma(reference, picture), mean, covariance, window())
        for picture in scored()
    ]
    np.savez(
        pathlib.Path(__file__).with_suffix(".npz"),
        mean=mean,
        covariance=covariance,
        scores=scores,
    )


if __name__ == "__main__":
    main()
