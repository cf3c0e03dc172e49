"""Line charts, panels side by side. Matplotlib, without a screen."""

from typing import NamedTuple

from matplotlib import figure


class Line(NamedTuple):
    """Points `(x, y)` under a label; `low` and `high`, if given, bound a band."""

    label: str
    x: list
    y: list
    low: list | None = None
    high: list | None = None


class Panel(NamedTuple):
    """Lines in one pair of axes; `log` names axes that are logarithmic: x, y, xy."""

    title: str
    x_label: str
    y_label: str
    lines: list[Line]
    log: str = ""


def banded(label, points):
    """A `Line` of means over the points of one x, in a band from lowest to highest.

    Args:
      label: of the line.
      points: `[(x, y), ...]`, any number of them at each x.
    """
    groups = {}
    for x, y in points:
        groups.setdefault(x, []).append(y)
    x, values = list(groups), list(groups.values())
    means = [sum(ys) / len(ys) for ys in values]
    return Line(label, x, means, list(map(min, values)), list(map(max, values)))


def draw(path, panels):
    """Draws panels to an image file; equal labels have one colour and are told once."""
    sheet = figure.Figure(figsize=(5.2 * len(panels), 4.2), layout="constrained")
    labels = dict.fromkeys(line.label for panel in panels for line in panel.lines)
    colors = {label: f"C{n}" for n, label in enumerate(labels)}
    told = set()
    for panel, axes in zip(
        panels, sheet.subplots(1, len(panels), squeeze=False)[0], strict=True
    ):
        for line in panel.lines:
            style = {"color": colors[line.label], "label": line.label}
            axes.plot(line.x, line.y, marker="o", ms=4, **style)
            if line.low is not None:
                band = {"color": colors[line.label], "alpha": 0.15}
                axes.fill_between(line.x, line.low, line.high, **band)
        if "x" in panel.log:
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_formatter("{x:g}")
        if "y" in panel.log:
            axes.set_yscale("log")
        axes.set(title=panel.title, xlabel=panel.x_label, ylabel=panel.y_label)
        axes.grid(alpha=0.3)
        shown = {line.label for line in panel.lines}
        if shown - told:
            axes.legend(fontsize=7)
            told |= shown
    sheet.savefig(path, dpi=110)
