"""Where compiled programs are kept, or none are."""

import pathlib

import jax
import pytest

from experiments import compile_cache


@pytest.fixture(autouse=True)
def _unset(monkeypatch):
    before = {
        name: getattr(jax.config, name)
        for name in (
            "jax_compilation_cache_dir",
            "jax_persistent_cache_min_compile_time_secs",
        )
    }
    jax.config.update("jax_compilation_cache_dir", None)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def test_programs_are_kept_under_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    compile_cache.use()
    folder = tmp_path / ".cache/adavsr_jax"
    assert jax.config.jax_compilation_cache_dir == str(folder) and folder.is_dir()


def test_who_has_no_home_compiles_anew(monkeypatch):
    def home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(pathlib.Path, "home", home)
    compile_cache.use()
    assert jax.config.jax_compilation_cache_dir is None
