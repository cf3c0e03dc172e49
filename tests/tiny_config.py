"""The smallest config that trains: a few hundred weights, rendered clips."""

from experiments import checks
from experiments.configs import demo

_TINY = {
    "network.tsr_channels": 3,
    "network.ssr_channels": 3,
    "network.tsr_blocks": 1,
    "network.ssr_blocks": 1,
    "data.rendered_clips": 2,
    "data.frames": 3,
    "large_scale.steps": 0,
    "inner.steps": 2,
    "meta.steps": 4,
    "meta.batch": 2,
    "meta.patch": 32,
    "meta.query_size": 4,
    "run.validation_clips": 1,
}


def make(**changes):
    """The config with these of its values changed, checked."""
    config = demo.get_config()
    config.update_from_flattened_dict(_TINY | changes)
    checks.check(config)
    return config
