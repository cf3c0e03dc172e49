"""What training tells of its validation clips is what one works out by hand."""

import types

import jax.numpy as jnp
import numpy as np
import pytest
import small

from adavsr_jax import degradation, kernels, pixels, resampling, tasks
from experiments import build, build_data, validation
from experiments.configs import demo

_STEPS, _SHIFT = 3, 0.04


def _moved(params, seen, kernel, steps):
    """Adaptation whose end tells what it was given."""
    brightness = jnp.mean(seen[0].astype(jnp.float32)) / 255 - 0.43
    return params + 0.01 * steps + 0.01 * len(seen) + brightness + kernel[9, 9]


def _restored(variables, lr, kernel):
    """A network that knows one thing, how much brighter to make it all."""
    del kernel
    return None, resampling.trilinear(lr) + variables["params"]


@pytest.fixture
def clips(monkeypatch):
    """Two clips, and networks of which the whole is known beforehand."""
    clips = np.random.default_rng(0).integers(60, 160, (2, 7, 4, 4, 3), np.uint8)
    clips = clips.repeat(8, axis=2).repeat(8, axis=3)
    learn = lambda *given, steps: types.SimpleNamespace(params=_moved(*given, steps))
    for place, name, made in (
        (build_data, "validation_clips", clips),
        (build, "model", types.SimpleNamespace(apply=_restored)),
        (build, "learner", learn),
    ):
        monkeypatch.setattr(place, name, lambda config, made=made: made)
    return clips


def _psnr(found, truth):
    """Mean over the frames, of luma in BT.601."""
    weights = np.array([65.481, 128.553, 24.966]) / 255
    errors = (found.astype(np.float64) - truth) @ weights
    return np.mean(10 * np.log10(255**2 / np.mean(errors**2, axis=(1, 2))))


def test_means_over_clips_before_and_after_adaptation(clips):
    config = demo.get_config()
    config.internal.steps, config.internal.max_frames = _STEPS, 2
    expected, blurs = [], []

    @small.jit
    def lowered(key, clip):
        drawn = tasks.sample(key, build.generator(config))
        kernel = kernels.from_parameters(drawn.blur)
        lr = degradation.degrade(pixels.to_float(clip), kernel, "drop")
        seen = pixels.to_uint8(lr[1:3])  # the middle two of four
        return kernel, resampling.trilinear(lr), _moved(_SHIFT, seen, kernel, _STEPS)

    keys = validation.kernel_keys(config, 2)
    for clip, key in zip(clips, keys, strict=True):
        kernel, floor, after = map(np.asarray, lowered(key, clip))
        expected.append(
            [
                _psnr(np.rint(255 * np.clip(floor + shift, 0, 1)), clip)
                for shift in (0, _SHIFT, after)
            ]
        )
        blurs.append(kernel)
    assert np.abs(blurs[0] - blurs[1]).max() > 1e-3  # each has its own
    found = validation.build_validation(config)(_SHIFT)
    names = ["psnr_trilinear", "psnr_unadapted", "psnr_adapted"]
    assert list(found) == names
    np.testing.assert_allclose(
        [found[name] for name in names], np.mean(expected, axis=0), atol=2e-3
    )
    assert np.ptp(list(found.values())) > 0.1
