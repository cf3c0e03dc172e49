"""Weights of the right form that nothing has trained, as a command would load them."""

import functools

import small

from experiments import trained
from experiments.configs import corpus


@functools.cache
def weights():
    """`small.MODEL` and `small.params` as a `trained.Trained`; one for all tests."""
    config = corpus.get_config()
    config.network.tsr_channels = small.MODEL.tsr.channels
    config.network.ssr_channels = small.MODEL.ssr.channels
    config.network.tsr_blocks = small.MODEL.tsr.blocks
    config.network.ssr_blocks = small.MODEL.ssr.blocks
    params = small.params()
    return trained.Trained(params, 0, trained.digest(params), config)
