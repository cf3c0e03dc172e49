"""Ada-VSR on a corpus of one's own: scenes of real video and moving photographs.

    python -m data_prep.build_shards --dataset=videos --source=TRAIN \
        --output=data/corpus/videos
    python -m data_prep.build_shards --dataset=photos --source=PHOTOS \
        --output=data/corpus/photos
    python -m data_prep.build_shards --dataset=videos --source=VAL --split=val \
        --output=data/corpus/val
    python -m experiments.meta_train --config=experiments/configs/corpus.py \
        --workdir=runs/corpus

Hardware: 2 CPU cores. Hours and result: see the end of this docstring.
What we found to work on two cores, where it leaves the paper; `vimeo.py` is the paper.

Result: not measured.
"""

import ml_collections


def get_config():
    config = ml_collections.ConfigDict()

    config.data = data = ml_collections.ConfigDict()
    data.root = "data/corpus"
    data.train = ("videos:train", "photos:train")  # folder in root : split
    data.weights = (0.5, 0.5)
    data.validation = "val:val"
    data.frames = 7
    data.rendered_clips = 0  # shards are read

    config.degradation = degradation = ml_collections.ConfigDict()
    degradation.kernels = "uniform"  # s1 ~ U(0.6, 3.4), s2 ~ U(0.6, s1), 10 % bicubic
    degradation.relation = "matched"
    degradation.mean3_probability = 0.1

    config.network = network = ml_collections.ConfigDict()  # 113 K parameters
    network.tsr_channels = 24
    network.tsr_blocks = 2
    network.ssr_channels = 32
    network.ssr_blocks = 4

    config.loss = loss = ml_collections.ConfigDict()
    loss.name = "charbonnier"  # curvature 1 / epsilon at most: l1 has next to none
    loss.epsilon = 0.01

    config.large_scale = large_scale = ml_collections.ConfigDict()
    large_scale.steps = 2500
    large_scale.batch = 4
    large_scale.patch = 128  # HR pixels: LR 32
    large_scale.kernels = "uniform"  # random kernels here too: half of the blind gain
    large_scale.learning_rate = 1e-3
    large_scale.final_learning_rate = 2e-4

    config.inner = inner = ml_collections.ConfigDict()
    inner.steps = 5
    inner.step_size = 0.1  # on mean losses 0.01 does next to nothing
    inner.gradient = "reverse"  # on a CPU, in scan, 0.77 of the time of `mixed`

    config.meta = meta = ml_collections.ConfigDict()
    meta.steps = 1600
    meta.batch = 4
    meta.patch = 160  # HR pixels: LR 40, SLR 10
    meta.query_size = 16  # LR pixels
    meta.unadapted_weight = 0.3
    meta.learning_rate = 2e-4
    meta.final_learning_rate = 2e-5

    config.outer = outer = ml_collections.ConfigDict()
    outer.clip_norm = 1.0
    outer.average_decay = 0.995
    outer.over_tasks = "scan"  # on a CPU as fast as vmap, in a quarter of the memory

    config.internal = internal = ml_collections.ConfigDict()  # Algorithm 2
    internal.temporal = True  # eq. 4's two terms, not eq. 10's one
    internal.max_frames = 25

    config.run = run = ml_collections.ConfigDict()
    run.seed = 0
    run.log_every_steps = 50
    run.save_every_steps = 250
    run.validation_clips = 12
    return config
