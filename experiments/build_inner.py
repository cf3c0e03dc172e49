"""The inner loop and the meta-loss of a config, a part of `build`."""

import functools

import jax

from adavsr_jax import inner_loop, inner_rules, meta_gradient, meta_step
from experiments import checks, cli

_ORDERS = {
    "mixed": "second order, forward over reverse (mixed)",
    "reverse": "second order, reverse over reverse (reverse)",
    "first_order": "first order (first_order)",
}
_RULES = {"descent": inner_rules.descent, "adam": inner_rules.adam}
# What the residuals of all inner steps that live at once may take under remat=auto.
_REMAT_BUDGET = 2**31


def step_size(config):
    """alpha of either module."""
    return {"tsr": config.inner.tsr_step_size, "ssr": config.inner.ssr_step_size}


def gradient(config, devices=1):
    """The inner gradient, a drop-in of `meta_gradient`."""
    inner, way = config.inner, config.outer.over_tasks
    if way == "auto":
        way = meta_step.way_over_tasks(jax.default_backend())
    together = config.meta.batch // devices if way == "vmap" else 1
    remats = {
        "auto": meta_gradient.fitting(inner.steps * together, _REMAT_BUDGET),
        "recompute": meta_gradient.mixed,
        "save": meta_gradient.saved,
    }
    ways = {
        "mixed": checks.known(remats, inner.remat, "config.inner.remat"),
        "reverse": jax.value_and_grad,
        "first_order": meta_gradient.first_order,
    }
    return checks.known(ways, inner.gradient, "config.inner.gradient")


def adapt(config, shapes):
    """`inner_loop.adapt` with the rule and the mask of `config.inner`.

    `shapes` is the tree of parameters, for their paths.
    """
    rule = checks.known(_RULES, config.inner.rule, "config.inner.rule")()
    mask = _mask(tuple(config.inner.adapted), shapes)
    return functools.partial(inner_loop.adapt, rule=rule, mask=mask)


def _mask(prefixes, shapes):
    """True of parameters whose path is one of `prefixes` or goes on below it."""
    leaves = jax.tree_util.tree_leaves_with_path(shapes)
    name = lambda path: jax.tree_util.keystr(path, simple=True, separator="/")
    names = [name(path) for path, _ in leaves]
    # Of whole names: "ssr/trunk/Conv_3" is not the beginning of "ssr/trunk/Conv_30".
    is_below = lambda name, prefix: (name + "/").startswith(prefix.rstrip("/") + "/")
    for prefix in prefixes:
        if not any(is_below(name, prefix) for name in names):
            modules = sorted({name.rpartition("/")[0] for name in names})
            raise cli.InputError(
                f"config.inner.adapted: no parameter's path starts with {prefix!r}; "
                f"there are {', '.join(modules)}"
            )
    return jax.tree_util.tree_map_with_path(
        lambda path, _: any(is_below(name(path), prefix) for prefix in prefixes),
        shapes,
    )


def meta_stages(config, network, distance, generator, shapes, *, devices):
    """`[(until, loss), ...]` by progress: what is annealed away is not computed."""
    meta, inner = config.meta, config.inner
    inside = functools.partial(
        adapt(config, shapes),
        steps=inner.steps,
        trunk_term=inner.trunk_term,
        exact_steps=inner.steps if inner.exact_steps == -1 else inner.exact_steps,
    )
    exact = gradient(config, devices)

    def maml(until):
        first = until <= meta.first_order_share
        return meta_step.meta_loss(
            network,
            distance,
            generator,
            adapt=functools.partial(
                inside, gradient=meta_gradient.first_order if first else exact
            ),
            step_size=step_size(config),
            unadapted_weight=meta.unadapted_weight,
            multi_step_share=meta.multi_step_share * (until <= meta.multi_step_share),
        )

    def reptile(until):
        return meta_step.reptile_loss(
            network,
            distance,
            generator,
            adapt=functools.partial(inside, gradient=meta_gradient.first_order),
            step_size=step_size(config),
        )

    algorithms = {"maml": maml, "reptile": reptile}
    loss = checks.known(algorithms, meta.algorithm, "config.meta.algorithm")
    annealed = {meta.first_order_share, meta.multi_step_share} - {0}
    return [(until, loss(until)) for until in sorted(annealed | {1.0})]


def summary(config):
    """One line on the meta phase, for the log."""
    inner, meta = config.inner, config.meta
    if meta.algorithm == "reptile":
        order = "Reptile"
    else:
        order = f"meta-gradient {_ORDERS[inner.gradient]}"
    return (
        f"meta-transfer learning, {order}, K = {inner.steps}, alpha = "
        f"{step_size(config)}"
    )
