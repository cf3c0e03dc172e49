r"""As `corpus.py`, size `b`: a larger network that looks at neighbouring frames. GPU.

    python -m data_prep.build_shards --dataset=videos --source=TRAIN \
        --output=data/corpus_b/videos --frames=15 --min_size=160
    python -m data_prep.build_shards --dataset=videos --source=VAL --split=val \
        --output=data/corpus_b/val --frames=15 --min_size=128
    python -m data_prep.build_shards --dataset=photos --source=PHOTOS \
        --output=data/corpus_b/photos --clips_per_photo=10
    python -m experiments.meta_train --config=experiments/configs/corpus_b.py \
        --workdir=runs/corpus_b

Large-scale training alone: it is what a network of this size gains most from.

Hardware: an H100, 9.9 to 11.4 ms a step.
Result: `experiments/results/README.md`, of 20,000 steps and 50,000 more from there, see
"Size `b`" in `experiments/configs/README.md`.
"""

from experiments.configs import corpus


def get_config():
    config = corpus.get_config()
    config.data.root = "data/corpus_b"

    config.network.tsr_channels = 64
    config.network.tsr_blocks = 4
    config.network.ssr_design = "shift"  # a frame further with every block
    config.network.ssr_channels = 128
    config.network.ssr_blocks = 14

    config.large_scale.steps = 33_000
    config.large_scale.batch = 8
    config.large_scale.patch = 160  # HR pixels: LR 40
    config.large_scale.bfloat16 = True
    config.large_scale.joint_from = 0.0  # end to end from the start
    config.large_scale.learning_rate = 4e-4
    config.large_scale.final_learning_rate = 1e-5

    config.meta.steps = 0
    config.meta.patch = 128  # of validation
    config.outer.warm_up_steps = 500
    config.outer.average_decay = 0.999

    config.run.log_every_steps = 100
    config.run.save_every_steps = 2000
    config.run.validation_clips = 16
    return config
