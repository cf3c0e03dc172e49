"""The bars that `--preset=design` is held to, each with its figure."""

from experiments.benchmarks import problem


def told(rows):
    """Lines `PASS|MISS  what: figure (bar)`; what was not measured says so."""
    return [_line(*bar) for bar in _bars(rows)]


def _line(what, figure, limit, at_least):
    if figure is None:
        return f"----  {what}: not measured"
    passed = figure >= limit if at_least else figure <= limit
    sign = "at least" if at_least else "at most"
    return f"{'PASS' if passed else 'MISS'}  {what}: {figure:.2f} ({sign} {limit})"


def _bars(rows):
    second = [_find(rows, "ours", "second", remat=r) for r in ("recompute", "save")]
    recompute, save = second
    best = min(second, key=lambda row: row["seconds"])
    first = _find(rows, "ours", "first")
    textbook = _find(rows, "textbook", "second")
    torch = {order: _find(rows, "torch", order) for order in ("second", "first")}
    torch_long = _find(rows, "torch", "second", K=20)
    yield "second order against textbook, times", _ratio(textbook), 20, True
    for order, row in torch.items():
        yield f"{order} order against PyTorch, times", _ratio(row), 1.0, True
    for row in (_find(rows, "ours", "second", remat=r, K=20) for r in _REMATS):
        peaks = torch_long and torch_long["peak_bytes"] and row["peak_bytes"]
        share = row["peak_bytes"] / torch_long["peak_bytes"] if peaks else None
        what = f"peak memory against PyTorch's at K = 20, {row['remat']}"
        yield what, share, 0.33, False
    yield "rate share, first order", first["rate_share"], 0.8, True
    yield f"rate share, {best['remat']}", best["rate_share"], 0.8, True
    for row in (recompute, save):
        work = row["flops"] / first["flops"]
        what = f"second against first order beyond operations, {row['remat']}"
        yield what, row["ratio_to_first"] / work, 1.15, False
    short, long = (
        _find(rows, "ours", "second", remat="recompute", K=k) for k in (1, 20)
    )
    copies = 19 * _weights_bytes()
    flat = (long["temp_bytes"] - copies) / short["temp_bytes"]
    yield "temp memory at K = 20 against K = 1, beyond weights", flat, 1.1, False
    yield "compile seconds", max(row["compile_seconds"] for row in second), 15, False
    steady = long["compile_seconds"] / short["compile_seconds"]
    yield "compile time at K = 20 against K = 1", steady, 1.25, False


_REMATS = ("recompute", "save")


def _ratio(row):
    return row and row["ratio_to_ours"]


def _weights_bytes():
    leaves = problem.parameters(problem.DESIGN)["trunk"].values()
    return sum(leaf.nbytes for layer in leaves for leaf in layer.values())


def _find(rows, program, order, remat=None, K=problem.DESIGN.K):
    shape = problem.DESIGN._replace(K=K)
    for row in rows:
        of_shape = all(row[name] == value for name, value in shape._asdict().items())
        named = row["program"] == program and row["order"] == order
        if of_shape and named and remat in (None, row["remat"]):
            return row
    return None
