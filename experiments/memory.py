"""How much memory there is for a pass of restoration."""

import pathlib

import jax

_SHARE = 0.5  # of what is free: the rest is for frames on their way, and for others
_LEAST, _UNKNOWN = 2**28, 2**33  # bytes
# Of version 2 and 1: the limit, what is used, and what of that are files' pages that
# are kept while nobody wants the room.
_CGROUPS = (
    (
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory.current",
        ("/sys/fs/cgroup/memory.stat", "inactive_file"),
    ),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        ("/sys/fs/cgroup/memory/memory.stat", "total_inactive_file"),
    ),
)


def budget() -> int:
    """Bytes that a pass may take: half of what is free where networks run."""
    device = jax.devices()[0]
    stats = device.memory_stats() if device.platform != "cpu" else None
    if stats and "bytes_limit" in stats:
        free = stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    else:
        free = _free_on_the_host()
    return int(max(_SHARE * free, _LEAST))


def _free_on_the_host():
    """Of the machine, or of the container; where neither tells, enough for a plan."""
    free = [_available(), *(_left(*paths) for paths in _CGROUPS)]
    return min((each for each in free if each is not None), default=_UNKNOWN)


def _available():
    try:
        lines = _text("/proc/meminfo").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return 1024 * int(found[0]) if found else None


def _left(limit, used, pages):
    try:
        limit, used = (int(_text(path)) for path in (limit, used))
    except (OSError, ValueError):  # no such group, or a limit of "max"
        return None
    return max(0, limit - used + _counted(*pages))


def _counted(path, name):
    """Bytes of `name` in a list of names and counts; 0 where there is none."""
    try:
        found = [line.split() for line in _text(path).splitlines()]
        return int(dict(found)[name])
    except (OSError, ValueError, KeyError):
        return 0


def _text(path):
    return pathlib.Path(path).read_text(encoding="ascii")
