"""Weights of the right form that nothing has trained, as a command would load them."""

import functools
import json

import small

from adavsr_jax import checkpoints
from experiments import build, trained
from experiments.configs import corpus


@functools.cache
def weights():
    """`small.MODEL` and `small.params` as a `trained.Trained`; one for all tests."""
    config = corpus.get_config()
    config.network.conditioned = small.MODEL.ssr.conditioned
    config.network.ssr_design = small.MODEL.ssr.design
    config.network.tsr_channels = small.MODEL.tsr.channels
    config.network.ssr_channels = small.MODEL.ssr.channels
    config.network.tsr_blocks = small.MODEL.tsr.blocks
    config.network.ssr_blocks = small.MODEL.ssr.blocks
    # A rule that moves such weights: descent does, at rates that are none of Adam's.
    config.inner.rule = "descent"
    config.inner.tsr_step_size = 0.03
    config.inner.ssr_step_size = 0.1
    config.internal.steps = 10
    params = small.params()
    return trained.Trained(params, 0, trained.digest(params), config)


def save(workdir, config):
    """Makes `workdir` a run of `meta_train` that has saved `weights` at step 3."""
    (workdir / "config.json").write_text(json.dumps(config.to_dict(), default=list))
    state = build.initial_state(config)._replace(average=weights().params)
    saved = checkpoints.Checkpoints(workdir / "checkpoints")
    saved.save(3, state, {"network": config.network.to_dict()}, 20.0)
    saved.close()
