"""Tables and plots of README and `results`, each a function of published results.

A mean over kernels is a plain mean; where the true kernel is a Gaussian, the bicubic or
something else is told apart, for they are never one table.
"""

import functools
import pathlib

from experiments import charts, published, scores, step_tables


def floor(found):
    """`trilinear` by kernel and protocol."""
    lines = [
        "| kernel | all | given | interpolated | zsm |",
        "|---|---|---|---|---|",
    ]
    for kernel in published.KERNELS:
        both = {
            protocol: published.one(
                found, row="trilinear", kernel=kernel, protocol=protocol
            )
            for protocol in ("all", "zsm")
        }
        whole = both["all"]
        if whole:
            cells = [whole["psnr_y"], whole["psnr_y_given"]]
            cells += [whole["psnr_y_interpolated"], (both["zsm"] or whole)["psnr_y"]]
            lines.append(
                f"| {kernel} | " + " | ".join(map(published.decibel, cells)) + " |"
            )
    return lines


def estimators(*results):
    """What an estimate costs against the true kernel: a line an estimator.

    What was told the truth is looked for among all the results, by the name of its row.
    """
    lines = [
        "| estimator | kernel error: Gaussians | bicubic | others | dB lost: "
        "Gaussians | worst kernel | worst clip | bicubic | others | not told | s |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    told = dict(_of_mode(results, "oracle"))
    lines += [
        _estimator(row, told[row], found)
        for row, found in _of_mode(results, "estimated")
        if row in told
    ]
    return lines


def _of_mode(results, mode):
    """`(row, result)` for every row that results hold told of the blur in this way."""
    for found in results:
        rows = {e["row"]: found for e in found["means"] if e["kernel_mode"] == mode}
        yield from rows.items()


def _estimator(row, told, found):
    groups = (published.GAUSSIANS, ["bicubic"], published.OTHERS)
    estimates = found["estimates"]
    errors = [
        scores.mean(e["kernel_error"] for e in estimates if e["kernel"] in kernels)
        for kernels in groups
    ]
    lost = [_lost(row, told, found, kernels) for kernels in groups]
    (gaussians, bicubic, others), (clips, _, _) = zip(*lost, strict=True)
    seconds = published.one(found, part="seconds", row="estimate")["seconds"]
    cells = [found["provenance"]["estimator"].split()[0], *map(_share, errors)]
    decibels = [scores.mean(gaussians), max(gaussians), max(clips)]
    decibels += [scores.mean(bicubic), scores.mean(others)]
    cells += map(published.decibel, decibels)
    cells += [str(sum(e["assumed"] for e in estimates)), f"{seconds:.2f}"]
    return "| " + " | ".join(cells) + " |"


def _lost(row, told, found, kernels):
    """dB of the oracle above the estimate: by kernel, and by clip and kernel."""
    by_kernel, by_clip = [], []
    for kernel in kernels:
        same = {"row": row, "kernel": kernel, "steps": 0, "protocol": "all"}
        oracle = published.one(told, "by_clip", kernel_mode="oracle", **same)
        estimated = published.one(found, "by_clip", kernel_mode="estimated", **same)
        if oracle and estimated:
            differences = [
                value - estimated["psnr_y"][clip]
                for clip, value in oracle["psnr_y"].items()
            ]
            by_kernel.append(scores.mean(differences))
            by_clip += differences
    return by_kernel, by_clip


def blind(found):
    """Every row told the estimated kernel: means over the Gaussian and other blurs."""
    seen = {entry["kernel"] for entry in found["means"]}
    others = [name for name in published.OTHERS if name in seen]
    return _rows(found, {"Gaussians": published.GAUSSIANS, ", ".join(others): others})


def bicubic(found):
    """Every row on the bicubic kernel alone, not told that it is."""
    return _rows(found, {"bicubic": ["bicubic"]})


def _rows(found, groups):
    head = "| row | trained, s |"
    for name in groups:
        head += f" {name}: n = 0 | n chosen | given | interpolated | SSIM |"
    lines = [head, "|---" * (2 + 5 * len(groups)) + "|"]
    for row in dict.fromkeys(entry["row"] for entry in found["means"]):
        seconds = found["provenance"]["weights"].get(row.partition("/")[0])
        trained = "-" if seconds is None else str(seconds["training_seconds"])
        line = f"| {row} | {trained} |"
        for kernels in groups.values():
            before, after = _before_and_after(found, row, kernels)
            cells = [
                published.decibel(scores.mean(e["psnr_y"] for e in before))
                if before
                else "-"
            ]
            for column in ("psnr_y", "psnr_y_given", "psnr_y_interpolated"):
                cells.append(published.decibel(scores.mean(e[column] for e in after)))
            ssim = scores.mean(e["ssim_y"] for e in after)
            cells.append("-" if ssim is None else f"{ssim:.4f}")
            line += " " + " | ".join(cells) + " |"
        lines.append(line)
    return lines


def _before_and_after(found, row, kernels):
    """The means unadapted and adapted; what never adapts has only the latter."""
    entries = [
        entry
        for entry in found["means"]
        if entry["row"] == row
        and entry["kernel"] in kernels
        and entry["kernel_mode"] == "estimated"
        and entry["protocol"] == "all"
    ]
    steps = {entry["steps"] for entry in entries}
    last = "auto" if "auto" in steps else max(steps, default=0)
    before = [entry for entry in entries if entry["steps"] == 0 and last != 0]
    return before, [entry for entry in entries if entry["steps"] == last]


def scratch(found, others):
    """Internal learning alone against rows of another evaluation, on its own clips.

    Means over the clips and kernels of `found`, each row with as many steps as there
    are; PSNR-Y and the seconds that its steps on a clip took.
    """
    lines = ["| row | steps | PSNR-Y | s a clip |", "|---|---|---|---|"]
    problems = {
        (entry["kernel"], clip)
        for entry in found["by_clip"]
        for clip in entry["psnr_y"]
    }
    for source in (found, others):
        values = {}
        for entry in source["by_clip"]:
            of_row = values.setdefault((entry["row"], entry["steps"]), [])
            of_row += [
                psnr
                for clip, psnr in entry["psnr_y"].items()
                if (entry["kernel"], clip) in problems
            ]
        for (row, steps), of_row in values.items():
            timing = published.one(source, part="seconds", row=row, steps=steps)
            spent = timing and timing["seconds"]
            cells = [row, "chosen" if steps == "auto" else str(steps)]
            cells += [
                published.decibel(scores.mean(of_row)),
                "-" if not spent else f"{spent:.1f}",
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def seconds(found):
    """Seconds a frame of the restored clip: estimation, adaptation, inference apart."""
    frames = (
        published.one(found, row="trilinear")["frames"] / published.one(found)["clips"]
    )
    estimate = published.one(found, part="seconds", row="estimate")
    per_clip = estimate["seconds"] if estimate else None
    lines = [
        "| row | estimation | adaptation | inference | together, s a frame |",
        "|---|---|---|---|---|",
    ]
    for entry in found["seconds"]:
        if entry["seconds_per_frame"] is None or entry["steps"] not in (0, "auto"):
            continue
        told = 0 if entry["row"] == "trilinear" else per_clip or 0
        parts = [told / frames, (entry["seconds"] or 0) / frames]
        parts.append(entry["seconds_per_frame"])
        name = f"{entry['row']}, n {'chosen' if entry['steps'] == 'auto' else '= 0'}"
        cells = [f"{part:.4f}" for part in (*parts, sum(parts))]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


_of_b = functools.partial(step_tables.shipped, weights="shipped_b")
# What stands in the two files: which published results each needs, and who makes it.
TABLES = {
    "floor": (("floor",), floor),
    "estimators_val": (
        ("val_told", "val_shipped", "val_recurrence", "val_spectrum"),
        estimators,
    ),
    "estimators_vid4": (("vid4_told", "vid4_shipped"), estimators),
    "blind": (("val_blind",), blind),
    "bicubic": (("val_blind",), bicubic),
    "summary": (
        ("vid4_shipped", "vid4_shipped_b", "val_shipped", "val_shipped_b"),
        lambda *all_four: step_tables.summary(
            **{"Vid4": all_four[:2], "17 validation": all_four[2:]}
        ),
    ),
    "shipped_vid4": (("vid4_shipped",), step_tables.shipped),
    "shipped_val": (("val_shipped",), step_tables.shipped),
    "shipped_b_vid4": (("vid4_shipped_b",), _of_b),
    "shipped_b_val": (("val_shipped_b",), _of_b),
    "zsm": (
        ("vid4_shipped", "vid4_zsm_b", "val_zsm"),
        lambda small, large, validation: step_tables.by_zsm(
            **{"Vid4": (small, large), "17 validation": (validation,)}
        ),
    ),
    "meta": (("val_meta",), step_tables.by_steps),
    "modules": (("val_modules",), step_tables.by_steps),
    "scratch": (("val_scratch", "val_blind"), scratch),
    "seconds": (("val_blind",), seconds),
}


# Those under which their source is not told; the README's says where to look.
SHORT = ("summary",)


def draw(folder: pathlib.Path, results: dict) -> list[pathlib.Path]:
    """Draws `curve.png`, PSNR-Y gained against n, if `val_curve` is published."""
    if "val_curve" not in results:
        return []
    found = results["val_curve"]
    lines = []
    for row in dict.fromkeys(entry["row"] for entry in found["means"]):
        of_row = [entry for entry in found["means"] if entry["row"] == row]
        numbers = sorted({e["steps"] for e in of_row} - {"auto"})
        psnr = [
            scores.mean(e["psnr_y"] for e in of_row if e["steps"] == n) for n in numbers
        ]
        if len(numbers) > 1 and numbers[0] == 0:
            gains = [value - psnr[0] for value in psnr]
            lines.append(charts.Line(row, numbers, gains))
    title = "Internal learning, kernel estimated"
    panel = charts.Panel(title, "steps n", "PSNR-Y gained over n = 0, dB", lines)
    path = folder / "curve.png"
    charts.draw(path, [panel])
    return [path]


def _share(value):
    return "-" if value is None else f"{value:.2f}"
