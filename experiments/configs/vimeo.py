r"""Ada-VSR on Vimeo-90K septuplets: the paper (sections 3 and 4.2).

    python -m data_prep.build_shards --dataset=vimeo90k --source=vimeo_septuplet \
        --output=data/vimeo90k
    python -m experiments.meta_train --config=experiments/configs/vimeo.py \
        --workdir=runs/vimeo

Hardware: GPUs or TPU cores that divide the batch of 32. Hours: not measured.
Result: not measured (the paper claims Vid4 26.98 dB PSNR-Y, blind).

Where the paper is silent or contradicts itself our reading stands here; the other one
is a value away:

    --config.degradation.relation=independent   T_j != T_i, the letter of eq. 7
    --config.internal.temporal=False            eq. 10 alone at test time
    --config.inner.gradient=first_order         FOMAML, for comparison

`corpus.py` and `demo.py` are this file with the changes that they state.
"""

import ml_collections


def get_config():
    config = ml_collections.ConfigDict()

    config.data = data = ml_collections.ConfigDict()
    data.root = "data/vimeo90k"
    data.train = (".:train",)  # folder inside root : split
    data.weights = (1.0,)  # share of each
    data.validation = ".:val"  # a folder that training and evaluation leave alone
    data.frames = 7
    data.rendered_clips = 0  # > 0: no shards, so many clips that the project renders

    config.degradation = degradation = ml_collections.ConfigDict()
    # "Anisotropic Gaussian kernels", no range given: those of the paper's [57].
    degradation.kernels = "mzsr"  # or uniform, dynavsr, bicubic
    degradation.relation = "matched"  # or independent, jitter, estimated
    degradation.mean3_probability = 0.5  # "either" dropped or averaged in threes

    # Sizes are ours: the paper gives no architecture. 1.5 M parameters.
    config.network = network = ml_collections.ConfigDict()
    network.tsr_channels = 64
    network.tsr_blocks = 4
    network.ssr_design = "window"  # or single, shift, recurrent
    network.ssr_context = 0  # numbers beside the kernel that adaptation may set
    network.ssr_channels = 64
    network.ssr_blocks = 16
    network.conditioned = False  # SSR told the kernel: the rival, and ours beside it

    config.loss = loss = ml_collections.ConfigDict()
    loss.name = "l1"  # eq. 1, 2, 10; or charbonnier
    loss.epsilon = 0.01  # of charbonnier

    config.large_scale = large_scale = ml_collections.ConfigDict()  # eq. 1 and 2
    large_scale.steps = 200_000  # not given
    large_scale.batch = 32  # section 4.2
    large_scale.patch = 256  # HR pixels; the 64 x 64 of section 4.2 are LR
    large_scale.kernels = "bicubic"  # section 3.1
    large_scale.modules = ("tsr", "ssr")  # or one of them, the other as drawn: Table 4
    large_scale.joint_from = 1.0  # from this share of it on, both end to end; 1: never
    large_scale.bfloat16 = False  # convolutions; weights stay float32
    large_scale.learning_rate = 1e-4  # not given; beta's
    large_scale.final_learning_rate = 1e-4

    config.inner = inner = ml_collections.ConfigDict()  # eq. 4 to 6
    inner.steps = 10  # n_i, section 4.2
    inner.tsr_step_size = 0.01  # alpha, section 4.2
    inner.ssr_step_size = 0.01  # alpha by eq. 6; beta by Algorithm 1, line 15
    inner.gradient = "mixed"  # or reverse (also exact), first_order
    inner.remat = "auto"  # mixed: save residuals while they fit, or recompute, save
    inner.exact_steps = -1  # the last m steps to second order (truncated); -1: all
    inner.rule = "descent"  # eq. 5 and 6; or adam
    inner.learn_step_sizes = False  # one a tensor and step, from those above on
    inner.adapted = ("tsr", "ssr")  # path prefixes; ("ssr/trunk/Conv_33",): the tail
    inner.trunk_term = True  # what does not adapt keeps its mixed second derivative

    config.meta = meta = ml_collections.ConfigDict()  # eq. 7 to 9
    meta.steps = 100_000  # not given
    meta.batch = 32  # section 4.2
    meta.patch = 256  # HR pixels: LR 64, SLR 16
    meta.query_size = 16  # LR pixels
    meta.algorithm = "maml"  # or reptile
    meta.unadapted_weight = 0.0  # eq. 7 looks at adapted weights alone
    meta.multi_step_share = 0.0  # of training, query losses of all K steps (MAML++)
    meta.first_order_share = 0.0  # of training, before the second order begins
    meta.learning_rate = 1e-4  # beta, section 4.2
    meta.final_learning_rate = 1e-4

    config.outer = outer = ml_collections.ConfigDict()
    outer.clip_norm = 10.0  # a guard against a diverged task; not in the paper
    outer.warm_up_steps = 0  # the rate rises over, at most half of a phase
    outer.average_decay = 0.999
    outer.over_tasks = "auto"  # vmap, or scan: one at a time, in the memory of one

    config.internal = internal = ml_collections.ConfigDict()  # Algorithm 2
    internal.steps = 10  # at most; "a few", as many as in training
    internal.temporal = True  # eq. 4's two terms; eq. 10 has one
    internal.max_frames = 25  # of a shot are learned from

    config.run = run = ml_collections.ConfigDict()
    run.seed = 0
    # s, b or the folder of a run: weights to begin with. With the seed of that run its
    # clips, crops and blurs come again in their order: give another.
    run.start_from = ""
    run.log_every_steps = 100
    run.save_every_steps = 1000
    run.max_bad_steps = 10  # in a row that are not finite and left out; then it stops
    run.validation_clips = 32
    return config
