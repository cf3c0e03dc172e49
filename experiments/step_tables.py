"""Tables of what a number of steps is worth: by kernel, by weights."""

import functools

from experiments import published, scores


def shipped(found):
    """What `super_resolve` makes of every blur, told its own estimate of it."""
    lines = [
        "| kernel | trilinear | n = 0 | n = 5 | n chosen | over trilinear | given "
        "| interpolated | SSIM |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    kernels = dict.fromkeys(entry["kernel"] for entry in found["means"])
    groups = {name: [name] for name in kernels}
    seen = [name for name in published.GAUSSIANS if name in kernels]
    groups[f"**mean of {len(seen)} Gaussians**"] = seen
    for name, members in groups.items():
        mean = functools.partial(_mean_of, found, members)
        floor = mean("trilinear", 0)
        cells = [mean("shipped/consistent", steps) for steps in (0, 5, "auto")]
        cells = [floor, *cells, cells[-1] - floor]
        for column in ("psnr_y_given", "psnr_y_interpolated"):
            cells.append(mean("shipped/consistent", "auto", column))
        ssim = mean("shipped/consistent", "auto", "ssim_y")
        line = " | ".join(map(published.decibel, cells))
        lines.append(f"| {name} | {line} | {ssim:.4f} |")
    return lines


def summary(**sets):
    """What `super_resolve` makes, a line a set of clips and group of blurs.

    Args:
      **sets: title -> published results, as `shipped` takes them.
    """
    lines = [
        "| clips | blur, not told | trilinear | adavsr_jax | gain | given frames | "
        "interpolated |",
        "|---|---|---|---|---|---|---|",
    ]
    groups = {
        "bicubic": ["bicubic"],
        "12 Gaussians": published.GAUSSIANS,
        "disk, motion, irregular": published.OTHERS,
    }
    for title, found in sets.items():
        for name, kernels in groups.items():
            mean = functools.partial(_mean_of, found, kernels)
            row = functools.partial(mean, "shipped/consistent", "auto")
            floor, psnr = mean("trilinear", 0), row()
            cells = [f"{floor:.2f}", f"**{psnr:.2f}**", f"{psnr - floor:+.2f}"]
            for column in ("psnr_y_given", "psnr_y_interpolated"):
                cells.append(f"{row(column):.2f}")
            lines.append(f"| {title} | {name} | " + " | ".join(cells) + " |")
    return lines


def _mean_of(found, kernels, row, steps, column="psnr_y"):
    wanted = {"kernel_mode": "estimated", "protocol": "all", "row": row, "steps": steps}
    entries = [published.one(found, kernel=kernel, **wanted) for kernel in kernels]
    return scores.mean(entry[column] for entry in entries)


def by_steps(found):
    """Every row of weights after each number of steps, told the estimated blur."""
    numbers = dict.fromkeys(
        entry["steps"] for entry in found["means"] if entry["row"] != "trilinear"
    )
    seen = {entry["kernel"] for entry in found["means"]}
    groups = {"Gaussians": [name for name in published.GAUSSIANS if name in seen]}
    groups |= {name: [name] for name in ("bicubic",) if name in seen}
    words = ["n chosen" if n == "auto" else f"n = {n}" for n in numbers]
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
