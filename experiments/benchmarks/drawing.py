"""The plot of time and memory against K."""

from experiments import charts
from experiments.benchmarks import problem


def against_k(path, rows):
    """Draws the rows that differ from the first in K alone, ours on as many devices."""
    shape = lambda row: problem.Shape(*(row[name] for name in problem.Shape._fields))
    kept = [
        row
        for row in rows
        if shape(row)._replace(K=0) == shape(rows[0])._replace(K=0)
        and (row["program"] != "ours" or row["device"] == rows[0]["device"])
    ]
    columns = (
        ("seconds", 1.0, "seconds a meta-gradient"),
        ("peak_bytes", 2**20, "peak memory, MiB"),
        ("temp_bytes", 2**20, "temporaries of the compiled program, MiB"),
    )
    device = rows[0]["device"].split(" x ")[-1]
    panels = [
        charts.Panel(
            title=f"{label.split(',')[0]} ({device})",
            x_label="inner steps K",
            y_label=label,
            lines=_lines(kept, column, unit),
            log="xy",
        )
        for column, unit, label in columns
    ]
    charts.draw(path, panels)


def _lines(rows, column, unit):
    names = sorted({_label(row) for row in rows})
    return [
        charts.Line(name, *_points(rows, name, column, unit))
        for name in names
        if _points(rows, name, column, unit)[0]
    ]


def _points(rows, name, column, unit):
    points = sorted(
        (row["K"], row[column] / unit)
        for row in rows
        if _label(row) == name and row[column] is not None
    )
    return [x for x, _ in points], [y for _, y in points]


def _label(row):
    ways = [row["remat"], row["precision"]] if row["program"] == "ours" else []
    return ", ".join([row["program"], f"{row['order']} order", *filter(None, ways)])
