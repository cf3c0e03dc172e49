"""Means over clips, and how they read as lines of text."""

from experiments import scores

# What is not averaged but told apart.
KEY = ("row", "kernel", "kernel_mode", "protocol", "list", "steps")
_MEANS = (
    "steps_taken",
    "psnr_y",
    "psnr_y_given",
    "psnr_y_interpolated",
    "ssim_y",
    "ssim_y_given",
    "ssim_y_interpolated",
    "lr_consistency",
    "niqe",
)
_COLUMNS = (
    ("psnr_y", "PSNR-Y", "8.3f"),
    ("psnr_y_given", "given", "8.3f"),
    ("psnr_y_interpolated", "interp.", "8.3f"),
    ("ssim_y", "SSIM-Y", "7.4f"),
    ("lr_consistency", "LR", "6.2f"),
    ("niqe", "NIQE", "6.2f"),
)


def means(results: list[dict], key=KEY) -> list[dict]:
    """One entry for all results that agree in `key`: means over what is finite.

    Beside the means: `frames` and `identical`, sums, and `clips`, their number.
    """
    groups = {}
    for result in results:
        groups.setdefault(tuple(result[name] for name in key), []).append(result)
    return [
        {
            **dict(zip(key, values, strict=True)),
            **{
                name: scores.mean(result.get(name) for result in group)
                for name in _MEANS
            },
            "frames": sum(result["frames"] for result in group),
            "identical": sum(result["identical"] for result in group),
            "clips": len({result["clip"] for result in group}),
        }
        for values, group in groups.items()
    ]


def by_clip(results: list[dict]) -> list[dict]:
    """PSNR-Y of every clip, one entry for all results that agree in `KEY`."""
    groups = {}
    for result in results:
        key = tuple(result[name] for name in KEY)
        value = result["psnr_y"]
        rounded = None if value is None else round(value, 3)
        groups.setdefault(key, {})[result["clip"]] = rounded
    return [
        {**dict(zip(KEY, values, strict=True)), "psnr_y": clips}
        for values, clips in groups.items()
    ]


def text(results: list[dict]) -> str:
    """A table of means, one line a row, kernel, mode, protocol, list and steps."""
    head = (
        f"{'row':<18} {'kernel':<16} {'mode':<9} {'protocol':<8} {'steps':>9} {'':<24}"
    )
    for _, title, form in _COLUMNS:
        head += f" {title:>{form.partition('.')[0]}}"
    lines = [f"{head} {'frames':>6}"]
    for entry in means(results):
        plural = "s" if entry["clips"] > 1 else ""
        what = f"{entry['list']} {entry['clips']} clip{plural}".strip()
        lines.append(line(entry, what))
    return "\n".join(lines)


def line(entry: dict, what: str) -> str:
    """One result, or one mean of several, and what it is of."""
    steps = str(entry["steps"])
    if steps == "auto":
        steps = f"auto {entry['steps_taken']:.3g}"
    words = (
        f"{entry['row']:<18} {entry['kernel']:<16} {entry['kernel_mode']:<9} "
        f"{entry['protocol']:<8} {steps:>9} {what:<24}"
    )
    for name, _, form in _COLUMNS:
        value = entry[name]
        width = form.partition(".")[0]
        words += f" {'-':>{width}}" if value is None else f" {value:{form}}"
    words += f" {entry['frames']:>6}"
    if entry["identical"]:
        words += f" ({entry['identical']} without any error, not in the means)"
    return words
