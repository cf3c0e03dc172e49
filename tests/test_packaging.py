"""The lists of requirements are what is imported, and the wheel holds what it must."""

import ast
import email
import importlib.metadata
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PACKAGES = ("adavsr_jax", "data_prep", "experiments")
# What the packages read beside their modules.
DATA = ("adavsr_jax/weights/*", "experiments/kernels.json")
OPTIONAL = {"torch"}  # a baseline, measured where it is installed
NOT_IMPORTED = {"jaxlib"}  # jax needs it, in a version that fits its own


def _name(requirement):
    """The name of a requirement, spelled as names of distributions compare."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def _listed(file):
    """The requirements of a list, without comments."""
    lines = (ROOT / file).read_text().splitlines()
    return list(filter(None, (line.split("#")[0].strip() for line in lines)))


RUNTIME = set(map(_name, _listed("requirements.txt")))
TESTS = set(map(_name, _listed("tests/requirements.txt")))


def _foreign(folder):
    """Top-level modules that the files of a folder import and that are not ours."""
    ours = {*PACKAGES, *(path.stem for path in (ROOT / "tests").iterdir())}
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module.split(".")[0])
    return found - sys.stdlib_module_names - ours - OPTIONAL


def _distributions(folder):
    """The distributions that hold what a folder imports."""
    holders = importlib.metadata.packages_distributions()
    return {_name(holders[module][0]) for module in _foreign(folder)}


def test_the_project_requires_what_it_imports():
    imported = set().union(*map(_distributions, PACKAGES))
    assert imported == RUNTIME - NOT_IMPORTED


def test_tests_require_what_they_import():
    assert _distributions("tests") <= RUNTIME | TESTS


def test_no_requirement_is_listed_twice():
    assert not RUNTIME & TESTS


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of the files as they are; setuptools leaves things beside them."""
    source, result = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for file in ("pyproject.toml", "requirements.txt", "LICENSE"):
        shutil.copy(ROOT / file, source)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index"]
    command += ["--no-deps", "--no-build-isolation", "--wheel-dir", result, source]
    subprocess.run(command, check=True)
    (file,) = result.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        yield archive


def test_the_wheel_holds_modules_and_data_and_nothing_else(wheel):
    patterns = [*(f"{package}/**/*.py" for package in PACKAGES), *DATA]
    ours = {path for pattern in patterns for path in ROOT.glob(pattern)}
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == {path.relative_to(ROOT).as_posix() for path in ours}


def test_the_wheel_requires_nothing_that_only_tests_need(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    metadata = email.message_from_bytes(wheel.read(name))
    assert set(map(_name, metadata.get_all("Requires-Dist"))) == RUNTIME
