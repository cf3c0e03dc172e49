"""What a config must satisfy before anything is built from it, field by field."""

from adavsr_jax import tasks
from adavsr_jax.networks import ssr
from experiments import cli

_AT_LEAST = {
    "data.frames": 3,
    "data.rendered_clips": 0,
    "network.tsr_channels": 1,
    "network.tsr_blocks": 0,
    "network.ssr_channels": 1,
    "network.ssr_blocks": 0,
    "network.ssr_context": 0,
    "large_scale.steps": 0,
    "large_scale.batch": 1,
    "large_scale.patch": 16,
    "large_scale.final_learning_rate": 0.0,
    "inner.steps": 0,
    "inner.tsr_step_size": 0.0,
    "inner.ssr_step_size": 0.0,
    "meta.steps": 0,
    "meta.batch": 1,
    "meta.patch": 16,
    "meta.query_size": 1,
    "meta.unadapted_weight": 0.0,
    "meta.final_learning_rate": 0.0,
    "internal.max_frames": 2,
    "internal.steps": 0,
    "outer.warm_up_steps": 0,
    "run.seed": 0,
    "run.log_every_steps": 1,
    "run.save_every_steps": 1,
    "run.max_bad_steps": 1,
    "run.validation_clips": 1,
}
_ABOVE_ZERO = (
    "loss.epsilon",
    "large_scale.learning_rate",
    "meta.learning_rate",
    "outer.clip_norm",
)
_SHARES = (
    "degradation.mean3_probability",
    "large_scale.joint_from",
    "meta.first_order_share",
    "meta.multi_step_share",
)
_CHOICES = {
    "network.ssr_design": ssr.DESIGNS,
    "degradation.relation": tasks.RELATIONS,
    "outer.over_tasks": ("auto", "vmap", "scan"),
}


def check(config):
    """Looks at every field alone, then at those that depend on one another.

    Names of kernels, losses and gradients are known to `build`, which looks them up.

    Raises:
      InputError: names the first field that is not right, what it must be, what it is.
    """
    check_fields(config, _AT_LEAST, _ABOVE_ZERO, _SHARES)
    check_below_one(config, "outer.average_decay")
    for path, known in _CHOICES.items():
        value = _value(config, path)
        _expect(value in known, path, f"one of {', '.join(known)}", value)
    _check_modules(config.large_scale)
    _check_inner(config.inner, config.meta)
    _check_sizes(config)
    check_sources(config.data)
    if not config.large_scale.steps + config.meta.steps:
        raise cli.InputError(
            "config.large_scale.steps and config.meta.steps are both 0: there is "
            "nothing to train"
        )


def check_fields(config, at_least, above_zero, shares):
    """As `check`, of numbers alone: `{path: least}`, and paths of the other two."""
    for path, least in at_least.items():
        value = _value(config, path)
        _expect(value >= least, path, f"{least} or more", value)
    for path in above_zero:
        value = _value(config, path)
        _expect(value > 0, path, "above 0", value)
    for path in shares:
        value = _value(config, path)
        _expect(0 <= value <= 1, path, "between 0 and 1", value)


def check_below_one(config, path):
    """As `check`, of the decay of an average: by 1 it stays at the drawn weights."""
    value = _value(config, path)
    _expect(0 <= value < 1, path, "0 or more and below 1", value)


def check_multiple(config, path, multiple):
    """As `check`, of one number that must be a multiple."""
    value = _value(config, path)
    nearest = -(-value // multiple) * multiple
    what = f"a multiple of {multiple}, as {nearest}"
    _expect(value % multiple == 0, path, what, value)


def known(table, name, where):
    """`table[name]`, or an InputError that tells of `where` and of what is known."""
    if name not in table:
        raise cli.InputError(f"{where} must be one of {', '.join(table)}; got {name!r}")
    return table[name]


def _check_modules(large_scale):
    modules = tuple(large_scale.modules)
    _expect(
        modules and set(modules) <= {"tsr", "ssr"},
        "large_scale.modules",
        "tsr, ssr or both",
        modules,
    )
    _expect(
        set(modules) == {"tsr", "ssr"} or large_scale.joint_from == 1,
        "large_scale.joint_from",
        "1.0 (never) where large_scale.modules names one network, for end to end both"
        " are trained",
        large_scale.joint_from,
    )


def _check_inner(inner, meta):
    _expect(
        inner.exact_steps >= -1,
        "inner.exact_steps",
        "-1 (all) or more",
        inner.exact_steps,
    )
    _expect(
        tuple(inner.adapted),
        "inner.adapted",
        "one path prefix or more",
        tuple(inner.adapted),
    )
    needs_a_step = (
        ("inner.learn_step_sizes", inner.learn_step_sizes),
        ("meta.multi_step_share", meta.multi_step_share),
        ("meta.algorithm", meta.algorithm == "reptile"),
    )
    for path, wanted in needs_a_step:
        if wanted and not inner.steps:
            raise cli.InputError(
                f"config.{path} needs an inner step: config.inner.steps must be 1 or "
                "more; got 0"
            )
    _expect(
        not (inner.learn_step_sizes and meta.steps and meta.algorithm == "reptile"),
        "meta.algorithm",
        "maml where config.inner.learn_step_sizes is True: Reptile's update has no "
        "derivative by a step size and would leave them all as they are",
        meta.algorithm,
    )
    for name in ("tsr_step_size", "ssr_step_size"):
        if inner.learn_step_sizes:
            _expect(
                inner[name] > 0, f"inner.{name}", "above 0 to be learned", inner[name]
            )


def _check_sizes(config):
    meta = config.meta
    check_multiple(config, "large_scale.patch", 4)
    check_multiple(config, "meta.patch", 16)
    _expect(
        meta.query_size <= meta.patch // 4,
        "meta.query_size",
        f"at most {meta.patch // 4}, a quarter of config.meta.patch ({meta.patch})",
        meta.query_size,
    )


def check_sources(data):
    """As `check`, of `config.data` alone."""
    # The frame after the last given one would have no neighbour to be made from.
    _expect(data.frames % 2 == 1, "data.frames", "odd, as 7", data.frames)
    count = 1 if data.rendered_clips else len(data.train)
    _expect(count, "data.train", "one FOLDER:SPLIT or more", tuple(data.train))
    weights = tuple(data.weights)
    _expect(
        len(weights) == count
        and all(isinstance(w, float | int) and w > 0 for w in weights),
        "data.weights",
        f"one number above 0 for each of {count} source{'s' if count > 1 else ''} "
        "(config.data.train; clips that are rendered are one)",
        weights,
    )


def _value(config, path):
    for name in path.split("."):
        if name not in config:
            raise cli.InputError(
                f"config.{path} is missing: the config is damaged or of another version"
            )
        config = config[name]
    return config


def _expect(holds, path, what, found):
    if not holds:
        raise cli.InputError(f"config.{path} must be {what}; got {found!r}")
