r"""The network that names the blur of a shot.

    python -m experiments.train_kernel_estimator \
        --config=experiments/configs/kernel_estimator.py --workdir=runs/kernel_estimator

Data: the shards of `corpus.py`. Hardware: 2 CPU cores and other work, 45 minutes.
Result: mean kernel error (`kernels.error`) 0.23 on crops of the validation clips with
blurs of the training distribution (0.81 after 20 steps). What comes with the project
has learned on from there, another 30 minutes, on larger crops
(`adavsr_jax/weights/README.md`): 0.22 becomes 0.18 on crops of 256 x 256. On whole
clips and what it costs in PSNR: `experiments/results/README.md`, "Telling the blur".
"""

from experiments.configs import corpus


def get_config():
    corpus_config = corpus.get_config()
    config = type(corpus_config)()
    config.data = corpus_config.data

    config.degradation = degradation = type(config)()
    degradation.kernels = "uniform"
    degradation.mean3_probability = 0.1
    # A codec and a sensor between the blur and us, each in so many of the clips.
    degradation.damage_probability = 0.2
    degradation.noise = 4.0  # code values, the largest standard deviation
    degradation.compression = 1.0  # code values; about JPEG at quality 75

    config.network = network = type(config)()
    network.channels = 24
    network.features = 24

    config.estimator = estimator = type(config)()
    estimator.steps = 9000
    estimator.batch = 8
    estimator.patch = 176  # HR pixels: LR 44
    estimator.learning_rate = 1e-3
    estimator.final_learning_rate = 5e-5

    config.outer = outer = type(config)()
    outer.clip_norm = 10.0
    outer.warm_up_steps = 0
    outer.average_decay = 0.995
    outer.over_tasks = "auto"

    config.run = corpus_config.run
    config.run.validation_clips = 30
    config.run.log_every_steps = 100
    config.run.save_every_steps = 500
    return config
