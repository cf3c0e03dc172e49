"""A folder of sources, at any depth: what lies there, links followed once."""

import pathlib
from collections.abc import Iterator


def below(source: pathlib.Path) -> Iterator[pathlib.Path]:
    """All files and folders below `source`, each folder's by name, each before its own.

    A link to a folder is followed, unless that was entered before, lies in the source
    itself, where it has its own name, or holds the source: nothing comes twice.

    Raises:
      ValueError: `source` is not a folder.
    """
    if not source.is_dir():
        raise ValueError(f"{source} is not a folder")
    root = source.resolve()
    yield from _below(source, root, {root, *root.parents})


def _below(folder, root, entered):
    for path in sorted(folder.iterdir()):
        if not path.is_dir():
            yield path
            continue
        real = path.resolve()
        is_alias = path.is_symlink() and real.is_relative_to(root)
        if is_alias or real in entered:
            continue
        entered.add(real)
        yield path
        yield from _below(path, root, entered)


def name(path: pathlib.Path, source: pathlib.Path) -> str:
    """The path in the source, with `/`: what ids of clips begin with.

    Raises:
      ValueError: it is not UTF-8, which ids are.
    """
    within = path.relative_to(source).as_posix()
    try:
        within.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{str(path)!r}: the name is not UTF-8, which names of clips must be: "
            "rename it, or take it out of the folder"
        ) from error
    return within
