"""Where programs that are compiled are kept, and when they are not."""

import pathlib

import jax
import pytest

from experiments import compile_cache

_FOLDER = "jax_compilation_cache_dir"
_WORTH = "jax_persistent_cache_min_compile_time_secs"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of the test's own, and JAX told of no folder; later of its own again."""
    before = {name: getattr(jax.config, name) for name in (_FOLDER, _WORTH)}
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    jax.config.update(_FOLDER, None)
    yield tmp_path / "home"
    for name, value in before.items():
        jax.config.update(name, value)


def _used():
    compile_cache.use()
    return getattr(jax.config, _FOLDER)


@pytest.mark.parametrize("caches", [None, ""])
def test_under_the_home_where_nothing_else_is_said(home, monkeypatch, caches):
    if caches is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", caches)
    assert _used() == str(home / ".cache" / "adavsr_jax")
    assert (home / ".cache" / "adavsr_jax").is_dir()
    compile_cache.use()  # it may be there already


def test_where_caches_are_said_to_be(home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert _used() == str(tmp_path / "caches" / "adavsr_jax")
    assert (tmp_path / "caches" / "adavsr_jax").is_dir() and not home.exists()


def test_what_jax_was_told_comes_first(home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    jax.config.update(_FOLDER, str(tmp_path / "told"))
    assert _used() == str(tmp_path / "told")
    assert not list(tmp_path.iterdir())


def test_where_no_folder_can_be_made_programs_are_compiled_anew(home):
    home.write_text("a file, in which not even root makes a folder")
    assert _used() is None


def test_who_has_no_home_compiles_anew(monkeypatch):
    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(pathlib.Path, "home", nobody)
    assert _used() is None
