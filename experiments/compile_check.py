r"""What an outer step needs on many devices, by the compiler, before they are there.

    python -m experiments.compile_check --config=experiments/configs/vimeo.py \
        --devices=8,64,256 --output=FILE.json

Reads a config alone, no clips. Leaves what it tells in FILE.json, if that is given.

Compiles each phase's step for so many fake CPU devices and runs nothing. Tells the
operations and the memory of a device, what is sent between devices, whether that is the
one all-reduce that it should be, and a prediction of how training scales, see
`experiments/interconnects.py`.

Scaling is weak: the config's batch is split over the fewest of the devices, rounded up,
and more devices get as many tasks each. Any value of the config may be overridden;
`--config.outer.over_tasks=vmap` compiles what runs on an accelerator, where `auto`
takes that (this command compiles for CPU devices always, so `auto` is `scan` here). The
memory told is that of XLA's CPU plan.
"""

import json

import jax
from absl import flags
from ml_collections import config_flags

from adavsr_jax import sharding
from experiments import (
    build,
    checks,
    cli,
    compiled_step,
    estimators,
    interconnects,
    outputs,
    overrides,
    provenance,
)

_MOST = 4096  # fake devices have threads each
_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "Whose steps are compiled, a file as experiments/configs/vimeo.py."
)
_DEVICES = flags.DEFINE_list(
    "devices", ["8", "64", "256"], f"Numbers of devices, N1,N2,..., each 1 to {_MOST}."
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "FILE.json, replaced if it is there; without, nothing is left."
)


def main(argv):
    del argv
    config, counts = _CONFIG.value, _counts(_DEVICES.value)
    checks.check(config)
    output = _OUTPUT.value and outputs.file("output", _OUTPUT.value, ".json")
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_num_cpu_devices", max(counts))
    origin = provenance.collect()
    origin["hardware"]["devices"] = f"{max(counts)} fake CPU devices"
    per_device = {
        name: -(-config[name].batch // min(counts)) for name in ("large_scale", "meta")
    }
    tell, rows = outputs.teller(), []
    for devices in counts:
        for name, tasks in per_device.items():
            config[name].batch = devices * tasks
        mesh = sharding.mesh(jax.devices()[:devices])
        for phase in build.phases(config, mesh, estimators.of_training(config)):
            tell(f"compiles {phase.name} for {devices} devices")
            rows.append(_row(compiled_step.facts(config, phase, mesh)))
            for line in _told(rows[-1]):
                print(line)
    if output:
        record = {"provenance": origin, "rows": rows}
        outputs.write(output, json.dumps(record, indent=1))


def _counts(words):
    counts = []
    for word in words:
        if not word.isdecimal() or not 1 <= int(word) <= _MOST:
            raise cli.InputError(
                f"--devices={','.join(words)}: numbers from 1 to {_MOST} expected, as "
                f"8,64,256; found {word!r}"
            )
        counts.append(int(word))
    return sorted(set(counts))


def _row(facts):
    """What the compiler says, a verdict and predictions."""
    sent = facts["collectives"]
    size = sum(each["bytes"] for each in sent)
    alone = [(c["kind"], c["in_entry"]) for c in sent] == [("all-reduce", True)]
    predictions = [
        interconnects.predict(
            link, flops=facts["flops"], size=size, devices=facts["devices"]
        )
        for link in interconnects.KNOWN
    ]
    return facts | {
        "sent_bytes": size,
        # On one device there is nothing to join.
        "one_all_reduce": alone if facts["devices"] > 1 else not sent or alone,
        "predictions": predictions,
    }


def _told(row):
    mebi = lambda size: f"{size / 2**20:.2f} MiB"
    given = row["argument_bytes"] + row["output_bytes"]
    yield (
        f"{row['phase']}, {row['devices']} devices, {row['batch']} tasks: a device and "
        f"step {row['flops'] / 1e9:.2f} GFLOP, {mebi(given)} of arguments and results, "
        f"{mebi(row['temp_bytes'])} of temporaries; compiled in "
        f"{row['compile_seconds']:.0f} s"
    )
    kinds = ", ".join(each["kind"] for each in row["collectives"]) or "nothing"
    good = row["one_all_reduce"] and row["sent_bytes"] in (0, row["expected_bytes"])
    yield (
        f"  {'PASS' if good else 'MISS'}  sent between devices: {kinds}, "
        f"{row['sent_bytes']} bytes (one all-reduce of {row['expected_bytes']}: "
        f"{row['parameter_bytes']} of gradients, the rest metrics and support losses)"
    )
    for found in row["predictions"]:
        compute, communication = (
            1e3 * found[f"{part}_seconds"] for part in ("compute", "communication")
        )
        yield (
            f"  predicted, {found['interconnect']}: {compute:.3f} ms of computing + "
            f"{communication:.3f} ms of all-reduce, "
            f"{100 * found['efficiency']:.1f} % of linear"
        )


if __name__ == "__main__":
    flags.mark_flag_as_required("config")
    cli.run(main, overrides.parse)
