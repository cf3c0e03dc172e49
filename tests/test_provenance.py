"""The commit that a figure carries is of the code that made it, or none."""

import importlib.util
import os
import pathlib
import shutil
import subprocess

import pytest

from experiments import provenance

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git")


@pytest.fixture(autouse=True)
def _no_settings_of_the_person(monkeypatch):
    """Neither signed commits nor hooks nor another folder than what is told."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def _git(folder, *words):
    name = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    command = ["git", "-C", folder, *name, *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _commit(file):
    """What the module says when it lies there."""
    specification = importlib.util.spec_from_file_location("there", file)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.collect()["commit"]


def test_what_is_installed_inside_a_checkout_has_not_its_commit(tmp_path):
    _git(tmp_path, "init", "--quiet")
    file = tmp_path / "installed" / "provenance.py"
    file.parent.mkdir()
    shutil.copy(pathlib.Path(provenance.__file__), file)
    _git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=other things")
    assert _commit(file).startswith("unknown")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "--quiet", "--message=now it is part of it")
    head = _git(tmp_path, "rev-parse", "HEAD")
    assert _commit(file) == head
    file.write_text(file.read_text() + "\n")
    assert _commit(file) == head + "+changes"
