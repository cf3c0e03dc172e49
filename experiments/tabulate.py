r"""Makes the README's tables and plots from the published results.

    python -m experiments.tabulate --results=experiments/results \
        --publish=floor=runs/floor,val_blind=runs/val_blind

Reads the published results. Leaves two files with their tables written anew, the README
and the one beside the results, and every plot there.

`--publish=NAME=DIR` first takes what `evaluate --output=DIR` found, as means over clips
with their provenance, into `NAME.json` of `--results`. Then every table of
`experiments/readme_tables.py` is written between its marks, `<!-- table NAME -->` and
`<!-- end -->`.
"""

import json
import pathlib
import re
import statistics

from absl import flags

from experiments import cli, outputs, readme_tables, tables

_RESULTS = flags.DEFINE_string(
    "results", "experiments/results", "Folder of published results."
)
_PUBLISH = flags.DEFINE_list("publish", "", "NAME=DIR,...: what evaluate left in DIR.")
_READMES = flags.DEFINE_list(
    "readmes",
    "README.md,experiments/results/README.md",
    "FILE,...: files with the marks, whose tables are replaced.",
)

_MARK = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main(argv):
    del argv
    folder = pathlib.Path(_RESULTS.value)
    if not folder.is_dir():
        raise cli.InputError(f"--results={folder}: no such folder")
    readmes = [pathlib.Path(name) for name in _READMES.value]
    for readme in readmes:
        if not readme.is_file():
            raise cli.InputError(f"--readmes={readme}: no such file")
    for word in _PUBLISH.value:
        name, is_named, source = word.partition("=")
        if not is_named or not name.isidentifier():
            raise cli.InputError(f"--publish={word}: must read NAME=DIR")
        summary = summarise(_read(pathlib.Path(source) / "results.json"))
        outputs.write(folder / f"{name}.json", json.dumps(summary, indent=1))
        print(f"written: {folder / name}.json")
    published = load(folder)
    texts = [fill(path.read_text(encoding="utf-8"), published) for path in readmes]
    for readme, text in zip(readmes, texts, strict=True):
        outputs.write(readme, text.rstrip("\n"))
        print(f"written: {readme}")
    for path in readme_tables.draw(folder, published):
        print(f"written: {path}")


def load(folder: pathlib.Path) -> dict[str, dict]:
    """The published evaluations of a folder by their names."""
    found = {path.stem: _read(path) for path in sorted(folder.glob("*.json"))}
    return {
        name: content
        for name, content in found.items()
        if isinstance(content, dict) and "means" in content
    }


def fill(text: str, published: dict[str, dict]) -> str:
    """A text with its tables made anew.

    Raises an InputError for marks of a table that is not known, or whose results are
    not published.
    """

    def table(match):
        begin, name, end = match.groups()
        if name not in readme_tables.TABLES:
            known = ", ".join(readme_tables.TABLES)
            raise cli.InputError(f"the text has a table {name!r}; known: {known}")
        needed, make = readme_tables.TABLES[name]
        missing = [one for one in needed if one not in published]
        if missing:
            raise cli.InputError(
                f"the table {name!r} needs results that are not published: "
                f"{', '.join(missing)}"
            )
        lines = make(*(published[one] for one in needed))
        if name not in readme_tables.SHORT:
            lines += ["", *_source([published[one] for one in needed])]
        return begin + "\n".join(lines) + "\n" + end

    return _MARK.sub(table, text)


def _source(results):
    """What made a table, folded away: commands, commits, machines."""
    lines = ["<details><summary>made by</summary>", ""]
    for found in results:
        made = found["provenance"]
        hardware = made["hardware"]
        cores = hardware["cores"]
        machine = f"{cores} core{'s' * (cores > 1)} of {hardware['processor']}"
        machine = ", ".join([machine, *hardware["devices"]])
        commits = [made["commit"], *made.get("other_commits", ())]
        lines += [
            f"commit {', '.join(commit[:7] for commit in commits)}, {machine}:",
            "",
            f"    {' '.join(made['command'])}",
            "",
        ]
    return [*lines, "</details>"]


def summarise(content: dict) -> dict:
    """What of `results.json` is published: means over clips, not every frame."""
    return {
        "provenance": content["provenance"],
        "means": [_rounded(entry) for entry in tables.means(content["results"])],
        "by_clip": tables.by_clip(content["results"]),
        "estimates": [_rounded(entry) for entry in content["estimates"]],
        "seconds": _seconds(content["timings"]),
    }


def _rounded(entry):
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in entry.items()
    }


def _seconds(timings):
    """Medians over clips and kernels: what was compiled at first falls out."""
    groups = {}
    for timing in timings:
        key = tuple(timing.get(name) for name in ("row", "steps", "protocol"))
        groups.setdefault(key, []).append(timing)
    return [
        {
            **dict(zip(("row", "steps", "protocol"), key, strict=True)),
            "seconds": _median(timing["seconds"] for timing in group),
            "seconds_per_frame": _median(
                timing.get("seconds_per_frame") for timing in group
            ),
            "measured": len(group),
        }
        for key, group in groups.items()
    ]


def _median(values):
    known = [value for value in values if value is not None]
    return round(statistics.median(known), 4) if known else None


def _read(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise cli.InputError(f"{path}: cannot be read as results ({error})") from error


if __name__ == "__main__":
    cli.run(main)
