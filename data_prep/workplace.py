"""The folder beside the output in which a build works, and from which it goes on.

`NAME.building` for an output NAME. It holds `shards`, which becomes the output,
`sources` (the clips of each video, before they are laid into shards), `records` of the
files that are done, `halves` of those that are not, what was asked for, and a lock.
"""

import contextlib
import json
import os
import pathlib
import shutil

import filelock

from adavsr_jax import manifests
from data_prep import jobs

SHARDS = "shards"
SOURCES = "sources"
_LOCK = "lock"
_REQUEST = "request.json"
_OURS = {SHARDS, SOURCES, jobs.RECORDS, jobs.HALVES, _LOCK, _REQUEST}


@contextlib.contextmanager
def claim(output, request):
    """Holds the working folder of an output, for this process alone.

    Left by an error or an interrupt, it is kept if a file with clips is done, and
    cleared away if none is.

    Args:
      output: folder to make.
      request: flag -> value, what the shards depend on.

    Yields:
      the folder; None if the output was made of it already and all is done.

    Raises:
      ValueError: another build is at work, the folder is of another request or not of
        our making, or the output is in the way or cannot be made.
      KeyboardInterrupt: as raised within, with a message if something is kept.
    """
    # A link to an empty folder could not be replaced: the folder itself is.
    output = pathlib.Path(output).resolve()
    work = output.with_name(f"{output.name}.building")
    if not work.exists():
        check_output(output)
    work.mkdir(parents=True, exist_ok=True)
    with _locked(work, output):
        over = _agree(work, output, request)
        try:
            yield None if over else work
        except KeyboardInterrupt:
            if _is_worth_keeping(work):
                raise KeyboardInterrupt(
                    f"what is done is in {work}, the same command goes on"
                ) from None
            raise
        finally:
            shutil.rmtree(work / jobs.HALVES, ignore_errors=True)
            if not _is_worth_keeping(work):
                _clear(work)


def finish(work, output):
    """Makes the shards the output, whole, and clears the working folder away."""
    output = pathlib.Path(output).resolve()
    with contextlib.suppress(FileNotFoundError):
        output.rmdir()  # empty, or this refuses
    (work / SHARDS).rename(output)
    _clear(work)


def check_output(output):
    """Raises ValueError unless `output` is an empty folder or can be made one.

    A mount point is none: it cannot be replaced by the folder that is made beside it.
    """
    if os.path.ismount(output):
        raise ValueError(
            f"{output} is a mount point, of which nothing can be made: choose a folder "
            f"in it, as --output={output / 'shards'}"
        )
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ValueError(
            f"{output} exists and is not an empty folder: remove it or choose another "
            "--output"
        )
    above = next(folder for folder in output.parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise ValueError(
            f"{output} cannot be made, {above} is not a folder that can be written to: "
            "choose another --output"
        )


@contextlib.contextmanager
def _locked(work, output):
    lock = filelock.FileLock(work / _LOCK)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        raise ValueError(
            f"{work}: another build of {output} is at work there; wait for it, or "
            "choose another --output"
        ) from None
    try:
        yield
    finally:
        lock.release()
        if not (work / _REQUEST).exists():
            with contextlib.suppress(OSError):  # someone's own files, or a new build
                (work / _LOCK).unlink(missing_ok=True)
                work.rmdir()


def _agree(work, output, request):
    """Makes the folder one of this request; says whether all was done already."""
    foreign = {path.name for path in work.iterdir()} - _OURS
    if foreign:
        raise ValueError(
            f"{work} is in the way and not of our making (it holds {min(foreign)}): "
            "rename it, or choose another --output"
        )
    if (work / _REQUEST).exists():
        begun = json.loads((work / _REQUEST).read_text(encoding="utf-8"))
        # A kill between the last rename and the end of the clearing away.
        moved = not (work / SHARDS).exists()
        if begun == request and moved and (output / manifests.FILE).exists():
            return True
        if begun != request and _is_worth_keeping(work):
            raise ValueError(_difference(work, begun, request))
    check_output(output)
    shutil.rmtree(work / jobs.HALVES, ignore_errors=True)
    for name in (SHARDS, jobs.HALVES):
        (work / name).mkdir(exist_ok=True)
    jobs.write_json(work / _REQUEST, request, work / jobs.HALVES)
    return False


def _difference(work, begun, request):
    names = [*request, *begun]
    name = next(name for name in names if begun.get(name) != request.get(name))
    return (
        f"--{name}={request.get(name)}: the build in {work} was begun with "
        f"--{name}={begun.get(name)}; ask for that again to go on with it, or remove "
        "the folder to begin anew"
    )


def _is_worth_keeping(work):
    """Whether some file with clips in it is done, and the output is not."""
    return (work / SHARDS).exists() and any(
        json.loads(path.read_text(encoding="utf-8"))["ids"]
        for path in (work / jobs.RECORDS).rglob("*.json")
    )


def _clear(work):
    """Removes all but the lock; the request last, for it tells what the rest is."""
    for name in sorted(_OURS - {_LOCK, _REQUEST}):
        shutil.rmtree(work / name, ignore_errors=True)
    (work / _REQUEST).unlink(missing_ok=True)
