"""The bars that a preset of one shape is held to, each with its figure."""

from experiments.benchmarks import problem


def told(rows):
    """Lines `PASS|MISS  what: figure (bar)`; what was not measured says so."""
    accelerated = any(row["precision"] for row in rows)
    return [_line(*bar) for bar in (_accelerated if accelerated else _cpu)(rows)]


def _line(what, figure, limit, at_least):
    if figure is None:
        return f"----  {what}: not measured"
    passed = figure >= limit if at_least else figure <= limit
    sign = "at least" if at_least else "at most"
    return f"{'PASS' if passed else 'MISS'}  {what}: {figure:.3g} ({sign} {limit})"


def _cpu(rows):
    ours = lambda **wanted: _find(rows, problem.DESIGN, program="ours", **wanted)
    torch = lambda **wanted: _find(rows, problem.DESIGN, program="torch", **wanted)
    first = ours(order="first")
    recompute, save = (ours(remat=remat) for remat in _REMATS)
    best = min((recompute, save), key=lambda row: row["seconds"])
    textbook = _find(rows, problem.DESIGN, program="textbook", order="second")
    yield "second order against textbook, times", _to_ours(textbook), 20, True
    for order in ("second", "first"):
        what = f"{order} order against PyTorch, times"
        yield what, _to_ours(torch(order=order)), 1.0, True
    long = torch(order="second", K=20)
    for remat in _REMATS:
        found = ours(remat=remat, K=20)
        what = f"peak memory against PyTorch's at K = 20, {remat}, {found['device']}"
        yield what, _share(found, long, "peak_bytes"), 0.33, False
    one = ours(remat="recompute", K=20, device="1 x cpu")
    what = "peak memory against PyTorch's at K = 20, recompute, one task at once"
    yield what, _share(one, long, "peak_bytes"), 0.33, False
    for row in (first, best):
        what = f"rate share, {row['order']} order"
        yield what, row["rate_share"], 0.8, True
    for row in (recompute, save):
        work = row["flops"] / first["flops"]
        what = f"second against first order beyond operations, {row['remat']}"
        yield what, row["ratio_to_first"] / work, 1.15, False
    short, long = (ours(remat="recompute", K=K) for K in (1, 20))
    flat = (long["temp_bytes"] - 19 * _weights_bytes()) / short["temp_bytes"]
    yield "temp memory at K = 20 against K = 1, beyond weights", flat, 1.1, False
    slowest = max(row["compile_seconds"] for row in (recompute, save))
    yield "compile seconds", slowest, 15, False
    steady = long["compile_seconds"] / short["compile_seconds"]
    yield "compile time at K = 20 against K = 1", steady, 1.25, False


def _accelerated(rows):
    ours = [row for row in rows if row["precision"] == "tensorfloat32"]
    second = [row for row in ours if row["order"] == "second"]
    best = min(second, key=lambda row: row["seconds"])
    torch = _find(rows, problem.GPU, program="torch", order="second")
    yield "second order against PyTorch, times", _to_ours(torch), 3, True
    yield f"share of the matmul rate, {best['remat']}", best["rate_share"], 0.35, True
    for row in second:
        what = f"peak memory against PyTorch's, {row['remat']}"
        yield what, _share(row, torch, "peak_bytes"), 0.33, False
    for row in second:
        yield f"gap to full precision, {row['remat']}", row["gap"], 1e-2, False


_REMATS = ("recompute", "save")


def _to_ours(row):
    return row and row["ratio_to_ours"]


def _share(row, other, column):
    known = row and other and row[column] is not None and other[column]
    return row[column] / other[column] if known else None


def _weights_bytes():
    leaves = problem.parameters(problem.DESIGN)["trunk"].values()
    return sum(leaf.nbytes for layer in leaves for leaf in layer.values())


def _find(rows, shape, **wanted):
    """The first row of `shape` in which all that is wanted stands, or None."""
    wanted = shape._asdict() | wanted
    for row in rows:
        if all(row[name] == value for name, value in wanted.items()):
            return row
    return None
