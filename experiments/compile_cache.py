"""Compiled programs kept on disk: the second run of a command starts at once."""

import os
import pathlib

import jax

_WORTH = 0.5  # seconds: what compiles faster is not kept


def use() -> None:
    """Keeps programs in `$XDG_CACHE_HOME/adavsr_jax`, by default under `~/.cache`.

    `JAX_COMPILATION_CACHE_DIR` comes first, as JAX reads it. Where the folder cannot be
    made, or nobody has a home, programs are compiled anew each time.
    """
    if jax.config.jax_compilation_cache_dir:
        return
    try:
        caches = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
        folder = pathlib.Path(caches) / "adavsr_jax"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", _WORTH)
