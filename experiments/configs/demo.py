r"""The whole of Ada-VSR in minutes: `make demo`.

    python -m experiments.meta_train --config=experiments/configs/demo.py \
        --workdir=runs/demo

Hardware: 2 CPU cores. Trains on clips that the project renders itself.
Result: PSNR-Y of the demo's clip, all frames: trilinear 18.92, before adaptation 19.54,
after 10 steps 19.67 dB; the weights that come with the project 21.09 (2 cores, jax
0.10.2, e004963 and its successor).

Starts from `corpus.py`.
"""

from experiments.configs import corpus


def get_config():
    config = corpus.get_config()
    config.data.rendered_clips = 96
    config.data.weights = (1.0,)
    config.network.conditioned = False  # told the blur, little is left to adapt to
    config.network.ssr_design = "window"
    config.network.tsr_channels = 16
    config.network.tsr_blocks = 1
    config.network.ssr_channels = 24
    config.network.ssr_blocks = 2

    config.large_scale.steps = 900
    config.large_scale.patch = 96
    config.large_scale.joint_from = 1.0
    config.large_scale.final_learning_rate = 2e-4
    config.inner.rule = "descent"
    config.inner.tsr_step_size = 0.03
    config.inner.ssr_step_size = 0.3
    config.internal.steps = 10
    config.meta.steps = 400
    config.meta.patch = 128
    config.meta.query_size = 16
    config.meta.unadapted_weight = 0.1

    config.outer.average_decay = 0.98
    config.run.log_every_steps = 50
    config.run.save_every_steps = 200
    config.run.validation_clips = 4
    return config
