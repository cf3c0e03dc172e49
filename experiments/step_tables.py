"""Tables of what a number of steps is worth: by kernel, by weights."""

import functools

from experiments import published, scores

_GROUPS = {
    "bicubic": ["bicubic"],
    "12 Gaussians": published.GAUSSIANS,
    "disk, motion, irregular": published.OTHERS,
}


def shipped(found, weights="shipped"):
    """What shipped weights make of every blur, told the estimator's word on it.

    The last number of steps that was asked for is what the columns after `n` are of;
    the protocol is `all` but in the column `zsm`, which is there if it was asked for.
    """
    row = f"{weights}/consistent"
    numbers = _numbers(found)
    by_zsm = any(entry["protocol"] == "zsm" for entry in found["means"])
    titles = [*map(_words, numbers), "over trilinear", "given", "interpolated", "SSIM"]
    titles += ["zsm"] * by_zsm
    lines = [
        "| kernel | trilinear | " + " | ".join(titles) + " |",
        "|---" * (2 + len(titles)) + "|",
    ]
    kernels = dict.fromkeys(entry["kernel"] for entry in found["means"])
    groups = {name: [name] for name in kernels}
    seen = [name for name in published.GAUSSIANS if name in kernels]
    groups[f"**mean of {len(seen)} Gaussians**"] = seen
    for name, members in groups.items():
        mean = functools.partial(_mean_of, found, members)
        floor = mean("trilinear", 0)
        cells = [mean(row, steps) for steps in numbers]
        cells = [floor, *cells, cells[-1] - floor]
        for column in ("psnr_y_given", "psnr_y_interpolated"):
            cells.append(mean(row, numbers[-1], column))
        ssim = mean(row, numbers[-1], "ssim_y")
        words = [*map(published.decibel, cells), f"{ssim:.4f}"]
        if by_zsm:
            words.append(published.decibel(mean(row, numbers[-1], protocol="zsm")))
        lines.append(f"| {name} | " + " | ".join(words) + " |")
    return lines


def summary(**sets):
    """What both sizes make, a line a set of clips and group of blurs.

    Args:
      **sets: title -> published results of `shipped` and of `shipped_b`.
    """
    lines = [
        "| clips | blur, not told | trilinear | `s` | gain | `b` | gain |",
        "|---|---|---|---|---|---|---|",
    ]
    for title, results in sets.items():
        for name, kernels in _GROUPS.items():
            cells = [f"{_mean_of(results[0], kernels, 'trilinear', 0):.2f}"]
            for found, weights in zip(results, ("shipped", "shipped_b"), strict=True):
                mean = functools.partial(_mean_of, found, kernels)
                row = f"{weights}/consistent"
                psnr = mean(row, _numbers(found)[-1])
                gain = psnr - mean("trilinear", 0)
                cells += [f"**{psnr:.2f}**", f"{gain:+.2f}"]
            lines.append(f"| {title} | {name} | " + " | ".join(cells) + " |")
    return lines


def by_zsm(**sets):
    """What both sizes make by the protocol `zsm`, unadapted.

    Args:
      **sets: title -> published results, each of some rows and blurs. A group of blurs
        that is not whole there has a dash.
    """
    lines = [
        "| clips | blur, not told | trilinear | `s` | `b` |",
        "|---|---|---|---|---|",
    ]
    rows = ("trilinear", "shipped/consistent", "shipped_b/consistent")
    for title, results in sets.items():
        pooled = {"means": [entry for found in results for entry in found["means"]]}
        for name, kernels in _GROUPS.items():
            cells = [_mean_of(pooled, kernels, row, 0, protocol="zsm") for row in rows]
            words = " | ".join(map(published.decibel, cells))
            lines.append(f"| {title} | {name} | {words} |")
    return lines


def _numbers(found):
    """What numbers of steps the rows of weights were asked for, as asked."""
    of_weights = (e for e in found["means"] if e["row"] != "trilinear")
    return list(dict.fromkeys(entry["steps"] for entry in of_weights))


def _words(steps):
    return "n chosen" if steps == "auto" else f"n = {steps}"


def _mean_of(found, kernels, row, steps, column="psnr_y", protocol="all"):
    """The mean over all of these kernels, None where one of them is not there."""
    same = {"kernel_mode": "estimated", "protocol": protocol, "row": row}
    entries = [
        published.one(found, kernel=kernel, steps=steps, **same) for kernel in kernels
    ]
    if None in entries:
        return None
    return scores.mean(entry[column] for entry in entries)


def by_steps(found):
    """Every row of weights after each number of steps, told the estimated blur."""
    numbers = _numbers(found)
    seen = {entry["kernel"] for entry in found["means"]}
    groups = {"Gaussians": [name for name in published.GAUSSIANS if name in seen]}
    groups |= {name: [name] for name in ("bicubic",) if name in seen}
    words = [_words(n) for n in numbers]
    head = [" | ".join([f"{group}: {words[0]}", *words[1:]]) for group in groups]
    lines = ["| row | trained, s | " + " | ".join(head) + " |"]
    lines.append("|---" * (2 + len(groups) * len(numbers)) + "|")
    for row in dict.fromkeys(entry["row"] for entry in found["means"]):
        trained = found["provenance"]["weights"].get(row)
        cells = [str(trained["training_seconds"]) if trained else "-"]
        for kernels in groups.values():
            mean = functools.partial(_mean_of, found, kernels, row)
            still = row == "trilinear"
            cells += [published.decibel(mean(0 if still else n)) for n in numbers]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return lines
