r"""Ada-VSR on a corpus of one's own: scenes of real video and moving photographs.

    python -m data_prep.build_shards --dataset=videos --source=TRAIN \
        --output=data/corpus/videos --frames=15 --min_size=128
    python -m data_prep.build_shards --dataset=videos --source=VAL --split=val \
        --output=data/corpus/val --frames=15 --min_size=128
    python -m data_prep.build_shards --dataset=photos --source=PHOTOS \
        --output=data/corpus/photos --clips_per_photo=8

Then the same into `data/corpus256` with `--min_size=256` (photographs may be a link):
meta-learning wants larger crops than some of the scenes have room for. Large-scale
training, then meta-transfer learning:

    python -m experiments.meta_train --config=experiments/configs/corpus.py \
        --workdir=runs/corpus --config.data.root=data/corpus \
        --config.meta.steps=0 --config.meta.patch=128
    python -m experiments.meta_train --config=experiments/configs/corpus.py \
        --workdir=runs/corpus

Hardware: steps 0 to 8,500 one pinned core of two shared ones (AMD EPYC), 2.4 hours, the
rest a shared H100, some 4 minutes; the large-scale steps 8,500 to 10,000 on the core
instead gave the same validation to 0.01 dB.
Result: `experiments/results/README.md`.

What was tried and why it is as it is: `experiments/configs/README.md`. Starts from
`vimeo.py` and leaves it where two cores or our measurements ask for it.
"""

from experiments.configs import vimeo


def get_config():
    config = vimeo.get_config()
    config.data.root = "data/corpus256"
    config.data.train = ("videos:train", "photos:train")
    config.data.weights = (0.5, 0.5)
    config.data.validation = "val:val"

    config.degradation.kernels = "uniform"  # s1 ~ U(0.6, 3.4), 10 % bicubic
    config.degradation.mean3_probability = 0.1  # most videos are not averaged

    config.network.conditioned = True  # worth more than any adaptation
    config.network.tsr_channels = 32  # 348 K parameters in all
    config.network.tsr_blocks = 3
    config.network.ssr_design = "single"
    config.network.ssr_channels = 48
    config.network.ssr_blocks = 6
    config.loss.name = "charbonnier"  # on a ReLU network l1 has next to no curvature

    config.large_scale.steps = 18_000
    config.large_scale.batch = 4
    config.large_scale.patch = 128  # HR pixels: LR 32
    config.large_scale.kernels = "uniform"  # any blur from the start
    config.large_scale.joint_from = 0.3  # SSR learns what TSR's frames lack
    config.large_scale.learning_rate = 1e-3
    config.large_scale.final_learning_rate = 2e-5

    config.inner.steps = 5
    config.inner.rule = "adam"  # moves 3 times as far as descent that does not diverge
    config.inner.tsr_step_size = 3e-4
    config.inner.ssr_step_size = 5e-4

    config.meta.steps = 400
    config.meta.batch = 4
    config.meta.patch = 256  # HR pixels: LR 64, SLR 16
    config.meta.query_size = 32  # LR pixels: more than the network sees
    config.meta.unadapted_weight = 0.3  # else unadapted weights become poor
    config.meta.learning_rate = 2e-4
    config.meta.final_learning_rate = 2e-5

    config.outer.clip_norm = 1.0
    config.outer.average_decay = 0.998
    config.internal.steps = 5

    config.run.log_every_steps = 50
    config.run.save_every_steps = 250
    config.run.validation_clips = 12
    return config
