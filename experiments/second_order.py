r"""Does the second order pay? Video quality against wall clock, at equal seconds.

    python -m experiments.second_order --config=experiments/configs/corpus.py \
        --starts=runs/start0,runs/start1,runs/start2 --minutes=4 --output=FILE.json

Reads the shards that the config names, and starts: each is a run of
`experiments.meta_train` with `--config.meta.steps=0` and a seed of its own. Leaves
FILE.json and FILE.png.

From a start's weights four ways train for `--minutes` each, in turns: plain
(large-scale training goes on), meta-training to first order, to second order, and
annealed (half the time each), all at `config.meta.learning_rate`. On the validation
clips, each with a blur of its own: PSNR-Y after n = 0 .. 10 inner steps. Before that,
how much curvature there is, where the inner rule is descent.

Stopped, the same command goes on with the start that it was at.
"""

import json
import operator
import pathlib

import jax
import numpy as np
from absl import flags
from ml_collections import config_flags

from adavsr_jax import metrics, pixels, sharding
from experiments import (
    build,
    build_data,
    charts,
    checks,
    cli,
    cores,
    curvatures,
    estimators,
    outputs,
    overrides,
    provenance,
    racing,
    trained,
    validation,
)

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "What the starts were trained by, a file of experiments/configs."
)
_STARTS = flags.DEFINE_list(
    "starts", None, "Work directories to start from, RUN,RUN,..."
)
_MINUTES = flags.DEFINE_float(
    "minutes", 4.0, "Minutes that each way trains from each start.", lower_bound=0
)
_OUTPUT = flags.DEFINE_string("output", None, "FILE.json; the same race goes on there.")

_FIRST = ("meta", {"inner.gradient": "first_order"})
_SECOND = ("meta", {"inner.gradient": "mixed"})
WAYS = (
    racing.Way("plain", ((1.0, "large_scale", {}),)),
    racing.Way("first order", ((1.0, *_FIRST),)),
    racing.Way("second order", ((1.0, *_SECOND),)),
    racing.Way("annealed", ((0.5, *_FIRST), (1.0, *_SECOND))),
)
MARKS = (0.25, 0.5, 0.75, 1.0)  # shares of the time at which weights are scored
ADAPTATION = 10  # the largest n


def main(argv):
    del argv
    config = _CONFIG.value
    checks.check(config)
    output = outputs.file("output", _OUTPUT.value, ".json")
    cores.use(config.large_scale.batch, config.meta.batch)
    starts = {pathlib.Path(start).name: _load(start, config) for start in _STARTS.value}
    if len(starts) < len(_STARTS.value):
        raise cli.InputError("--starts: two folders have one name")
    build_data.check(config)
    found = _read(output, config)
    tell = outputs.teller()
    for name, start in starts.items():
        if name in {row["start"] for row in found["results"]}:
            tell(f"{name}: done before")
            continue
        config.run.seed = start.config.run.seed
        curved = curvatures.rows(name, config, start.params, tell)
        found["results"] += list(_compare(name, config, start, tell))
        found["curvature"] += curved
        found["provenance"] = provenance.collect() | {"config": config.to_dict()}
        outputs.write(output, json.dumps(found, indent=1, default=list))
    _draw(output.with_suffix(".png"), found)
    tell(f"written: {output}")


def _load(start, config):
    weights = trained.load(start)
    found, wanted = (c.network.to_dict() for c in (weights.config, config))
    if found != wanted:
        raise cli.InputError(
            f"--starts: {start} is of another network, {found}; the config's is "
            f"{wanted}"
        )
    return weights


def _read(output, config):
    """What an interrupted race left, or nothing yet."""
    if not output.exists():
        return {"provenance": {}, "results": [], "curvature": []}
    try:
        found = json.loads(output.read_text())
        before = found["provenance"]["config"], found["results"][-1]["minutes"]
    except (ValueError, LookupError, TypeError) as error:
        raise cli.InputError(f"--output={output}: not a file of ours") from error
    now = json.loads(json.dumps(config.to_dict(), default=list)), _MINUTES.value
    for settings, _ in (before, now):
        del settings["run"]["seed"]  # each start has its own
    if before != now:
        raise cli.InputError(
            f"--output={output}: holds a race of another config or of other --minutes; "
            "choose another file"
        )
    return found


def _compare(name, config, start, tell):
    """Yields the rows of one start."""
    seconds, mesh = 60 * _MINUTES.value, sharding.mesh()
    score = _scorer(config)
    row = lambda mark, racer, psnr: {
        "start": name,
        "seed": config.run.seed,
        "way": racer.name,
        "minutes": mark * _MINUTES.value,
        "seconds": racer.spent,
        "steps": racer.steps,
        "psnr_y": psnr,
    }
    before = score(start.params)
    tell(f"{name}: before, {_curve(before)}")
    racers = [racing.Racer(way, config, start, mesh, seconds) for way in WAYS]
    for racer in racers:
        yield row(0, racer, before)
    for mark in MARKS:
        racing.race(racers, mark * seconds)
        for racer in racers:
            psnr = score(racer.weights)
            tell(f"{name}: {racer.name}, {racer.steps} steps, {_curve(psnr)}")
            yield row(mark, racer, psnr)


def _curve(psnr):
    return f"n = 0: {psnr[0]:.3f} dB, 5: {psnr[5]:.3f} dB, 10: {psnr[10]:.3f} dB"


def _scorer(config):
    """`params -> [11]`: PSNR-Y, means over clips, after n = 0 .. 10 inner steps."""
    generator = build.generator(config, estimate=estimators.of_training(config))
    degrade = jax.jit(lambda key, clip: validation.degraded(key, clip, generator))
    to_uint8 = jax.jit(pixels.to_uint8)
    problems = []
    for clip, key in validation.problems(config, generator):
        lr, kernel = degrade(key, clip)
        problems.append((clip, np.asarray(to_uint8(lr)), np.asarray(kernel)))
    model = trained.Trained(None, 0, "", config)

    def score(params):
        params = jax.device_get(params)
        curves = [_curve_of(model, params, *problem) for problem in problems]
        return np.mean(validation.finite(curves), 0).tolist()

    return score


def _curve_of(model, params, clip, lr, kernel):
    trajectory = model.adapt(params, lr, kernel, ADAPTATION).trajectory
    psnr = []
    for n in range(ADAPTATION + 1):
        weights = jax.tree.map(operator.itemgetter(n), trajectory)
        frames = np.stack(list(model.restore(weights, lr, kernel)))
        psnr.append(metrics.psnr_y(frames, clip).mean())
    return psnr


def _draw(path, found):
    """Gains over each start's own unadapted weights: starts differ by more."""
    starts = {row["start"]: row["psnr_y"][0] for row in reversed(found["results"])}
    gains = lambda row: [psnr - starts[row["start"]] for psnr in row["psnr_y"]]
    rows, curved = found["results"], found["curvature"]
    names = [way.name for way in WAYS]
    of = lambda way: [row for row in rows if row["way"] == way]
    by_time = lambda way, n: charts.banded(
        way, [(row["minutes"], gains(row)[n]) for row in of(way)]
    )
    last = max(row["minutes"] for row in rows)
    by_steps = lambda way: charts.banded(
        way,
        [
            point
            for row in of(way)
            if row["minutes"] == last
            for point in enumerate(gains(row))
        ],
    )
    by_loss = lambda loss: charts.banded(
        loss,
        [p for row in curved if _loss(row) == loss for p in enumerate(row["ratios"])],
    )
    minutes = "training, minutes of wall clock"
    decibel = "dB over the unadapted start, mean and range of seeds"
    panels = [
        charts.Panel(
            f"PSNR-Y gained, after {n} inner steps",
            minutes,
            decibel,
            [by_time(way, n) for way in names],
        )
        for n in (5, 0)
    ]
    panels += [
        charts.Panel(
            "PSNR-Y gained, at the end",
            "inner steps n",
            decibel,
            [by_steps(way) for way in names],
        ),
    ]
    if curved:
        by_losses = [by_loss(loss) for loss in dict.fromkeys(map(_loss, curved))]
        of_seeds = "mean and range of seeds"
        panels.append(
            charts.Panel(
                "|H u| / |lambda|", "inner step k", of_seeds, by_losses, log="y"
            )
        )
    charts.draw(path, panels)


def _loss(row):
    return f"{row['loss']} {row['epsilon'] or ''}".strip()


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "starts", "output"])
    cli.run(main, overrides.parse)
