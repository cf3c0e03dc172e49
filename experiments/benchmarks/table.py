"""Rows of the meta-gradient benchmark: programs built, checked, timed in turn."""

import functools

import jax
import numpy as np

from experiments.benchmarks import measuring, problem, programs

INSTALL = "pip install torch==2.13.0"
# What a shape is measured with: a maker's name and its arguments after the shape.
OURS = (
    ("ours", ("second", "recompute")),
    ("ours", ("second", "save")),
    ("ours", ("first",)),
)
TEXTBOOK = (("textbook", ("second",)), ("textbook", ("first",)))
CHECKPOINT = (("checkpoint", ("second",)),)
TORCH = (("torch", ("second", "fastest")), ("torch", ("first", "fastest")))


def makers():
    """`{name: (shape, *arguments) -> Program}`; without `torch` if it is missing."""
    found = {
        "ours": programs.ours,
        "textbook": programs.textbook,
        "checkpoint": programs.checkpoint,
    }
    try:
        from experiments.benchmarks import pytorch
    except ImportError:
        return found
    return found | {"torch": pytorch.build}


def measure(shape, wanted, tell):
    """One row a program.

    Args:
      shape: `problem.Shape`.
      wanted: `[(name, arguments), ...]`; those that are not installed are left out.
      tell: takes lines on progress.

    Raises:
      RuntimeError: two programs' gradients differ.
    """
    known = makers()
    asked = [(name, given) for name, given in wanted if name in known]
    asked = [(name, _settled(name, shape, given)) for name, given in asked]
    built = []
    for name, given in asked:
        tell(f"{_words(shape)}: {name} {' '.join(given)}")
        built.append(known[name](shape, *given))
    _check_agreement(built)
    devices = max(program.devices for program in built)
    rate_run, work = measuring.convolution_rate(devices)
    rate_run()
    seconds = measuring.interleaved([*(p.run for p in built), rate_run], tell=tell)
    rate = work / np.median(seconds[:, -1])
    tell(f"{_words(shape)}: peak memory of each, alone in a process")
    peaks = measuring.peaks([(name, shape, given) for name, given in asked])
    rows = [
        _row(shape, program, seconds[:, n], rate, peaks[n])
        for n, program in enumerate(built)
    ]
    _compare(rows, seconds)
    return rows


@functools.cache
def _settled(name, shape, given):
    """The arguments, PyTorch's `fastest` replaced by the mode that is."""
    if given[-1] != "fastest":
        return given
    from experiments.benchmarks import pytorch

    runs = [pytorch.build(shape, given[0], mode).run for mode in pytorch.MODES]
    for run in runs:
        run()
    medians = np.median(measuring.interleaved(runs, rounds=3), axis=0)
    return *given[:-1], pytorch.MODES[int(medians.argmin())]


def _row(shape, program, seconds, rate, peak):
    flops = problem.operations(shape, program.order, program.remat)
    median = float(np.median(seconds))
    return {
        "program": program.name,
        "order": program.order,
        "mode": program.mode,
        "remat": program.remat,
        **shape._asdict(),
        "seconds": median,
        "compile_seconds": program.compile_seconds,
        "temp_bytes": program.temp_bytes,
        "peak_bytes": peak,
        "flops": flops,
        "rate_share": flops / median / rate,
        "device": f"{program.devices} x {jax.devices()[0].device_kind}",
    }


def _compare(rows, seconds):
    """Adds ratios: to the same program's first order, and to ours, round by round."""
    # Of ours to second order there are two; others are held against the faster one.
    by_speed = sorted(range(len(rows)), key=lambda m: rows[m]["seconds"])

    def index(program, order):
        found = [
            m
            for m in by_speed
            if (rows[m]["program"], rows[m]["order"]) == (program, order)
        ]
        return found[0] if found else None

    for n, row in enumerate(rows):
        bases = {
            "ratio_to_first": index(row["program"], "first"),
            "ratio_to_ours": index("ours", row["order"]),
        }
        for name, base in bases.items():
            row[name] = None if base is None else _paired(seconds, n, base)


def _paired(seconds, one, other):
    return float(np.median(seconds[:, one] / seconds[:, other]))


def _check_agreement(built):
    """Programs that compute different things are not to be compared."""
    reference = {}
    for program in built:
        leaves = jax.tree.leaves(jax.device_get(program.run()))
        whole = np.concatenate([np.ravel(leaf) for leaf in leaves])
        first = reference.setdefault(program.order, whole)
        gap = np.linalg.norm(whole - first) / np.linalg.norm(first)
        if not gap < 1e-3:
            raise RuntimeError(
                f"{program.name} ({program.order} order, {program.mode}) computes "
                f"another gradient than the programs before it: off by {gap:.1e}"
            )


def _words(shape):
    return ", ".join(f"{name} {value}" for name, value in shape._asdict().items())
