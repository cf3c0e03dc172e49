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
# One task at once on one core, as PyTorch has them: for the memory of that.
ONE_CORE = (("ours", ("second", "recompute", None, 1)),)
# Precisions by name, in full first: what the others are held against.
ACCELERATED = tuple(
    ("ours", ("second", remat, precision))
    for precision in ("highest", "tensorfloat32")
    for remat in ("recompute", "save")
) + (("ours", ("first", None, "tensorfloat32")),)
# Whose peak is measured in a process of its own; of others the compiler's plan is told.
_PEAKED = ("ours", "torch")
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
        tell(f"{_words(shape)}: {name} {' '.join(map(str, filter(None, given)))}")
        built.append(known[name](shape, *given))
    gaps = _gaps(built)
    devices = max(program.devices for program in built)
    rate_run, work = measuring.machine_rate(devices)
    rate_run()
    seconds = measuring.interleaved([*(p.run for p in built), rate_run], tell=tell)
    rate = work / np.median(seconds[:, -1])
    tell(f"{_words(shape)}: peak memory of each, alone in a process")
    peaks = _peaks(shape, asked)
    rows = [
        _row(shape, program, seconds[:, n], rate)
        | {"peak_bytes": peaks[n], "gap": gaps[n]}
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


def _peaks(shape, asked):
    requests = [(n, *request) for n, request in enumerate(asked)]
    requests = [(n, name, given) for n, name, given in requests if name in _PEAKED]
    found = measuring.peaks([(name, shape, given) for _, name, given in requests])
    peaks = {n: peak for (n, *_), peak in zip(requests, found, strict=True)}
    return [peaks.get(n) for n in range(len(asked))]


def _row(shape, program, seconds, rate):
    flops = problem.operations(shape, program.order, program.remat)
    median = float(np.median(seconds))
    return {
        "program": program.name,
        "order": program.order,
        "mode": program.mode,
        "remat": program.remat,
        "precision": program.precision,
        **shape._asdict(),
        "seconds": median,
        "compile_seconds": program.compile_seconds,
        "temp_bytes": program.temp_bytes,
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


def _gaps(built):
    """How far each gradient is from the first one of its order, relatively.

    Programs that compute different things are not to be compared.
    """
    reference, gaps = {}, []
    # Rounding turns ReLUs over: after 20 steps float32, PyTorch's as well as ours, is
    # 1e-3 from float64. Without its second order the gradient is off by about 1.
    limit = 1e-2 if jax.default_backend() == "cpu" else 0.1
    for program in built:
        leaves = jax.tree.leaves(jax.device_get(program.run()))
        whole = np.concatenate([np.ravel(leaf) for leaf in leaves])
        first = reference.setdefault(program.order, whole)
        gap = np.linalg.norm(whole - first) / np.linalg.norm(first)
        gaps.append(float(gap))
        if not gap < limit:
            raise RuntimeError(
                f"{program.name} ({program.order} order, {program.mode}) computes "
                f"another gradient than the programs before it: off by {gap:.1e}"
            )
    return gaps


def _words(shape):
    return ", ".join(f"{name} {value}" for name, value in shape._asdict().items())
