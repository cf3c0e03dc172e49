"""The notebooks run from the top, hold no outputs and say where they are to be had."""

import ast
import pathlib
import re
import tomllib

import commands
import nbclient
import nbformat
import pytest

ROOT = pathlib.Path(__file__).parent.parent
FOLDER = pathlib.Path("experiments/notebooks")
NAMES = [
    "super_resolve_your_clip",
    "the_meta_gradient",
    "meta_train_on_your_videos",
]
TOY = re.compile(r"^TOY = False\b", re.MULTILINE)
_LONGEST = 24  # lines of a function: a plot's


def _read(name):
    return nbformat.read(ROOT / FOLDER / f"{name}.ipynb", as_version=4)


def _code(name):
    return [cell for cell in _read(name).cells if cell.cell_type == "code"]


def _repository():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["urls"]["Repository"]


def _badge(name):
    """The Markdown of the picture that opens a notebook in Colab."""
    colab = "https://colab.research.google.com"
    place = _repository().removeprefix("https://github.com/")
    return (
        f"[![Open in Colab]({colab}/assets/colab-badge.svg)]"
        f"({colab}/github/{place}/blob/main/{FOLDER}/{name}.ipynb)"
    )


def test_the_list_is_whole():
    found = {path.stem for path in (ROOT / FOLDER).glob("*.ipynb")}
    assert found == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_no_outputs_are_kept(name):
    for cell in _code(name):
        assert cell.outputs == []
        assert cell.execution_count is None


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_python_and_functions_are_short(name):
    functions = [
        node
        for cell in _code(name)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.FunctionDef)
    ]
    lengths = {node.name: node.end_lineno - node.lineno + 1 for node in functions}
    assert all(length <= _LONGEST for length in lengths.values()), lengths


@pytest.mark.parametrize("name", NAMES)
def test_badge_and_first_cell_name_the_repository(name):
    notebook = _read(name)
    assert _badge(name) in notebook.cells[0].source
    assert f'REPOSITORY = "{_repository()}"' in _code(name)[0].source
    # There and nowhere else: another address is one to be forgotten.
    text = "".join(cell.source for cell in notebook.cells)
    assert text.count("github") == 2


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_lists_it(name):
    assert _badge(name) in (ROOT / "README.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_runs_from_the_top_and_draws(name, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for setting, value in commands.QUICK.items():
        monkeypatch.setenv(setting, value)
    for place in ("TMPDIR", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(place, str(tmp_path))  # nothing is left behind
    notebook = _read(name)
    text = "".join(cell.source + "\n" for cell in notebook.cells)
    assert len(TOY.findall(text)) == 1
    for cell in notebook.cells:
        cell.source = TOY.sub("TOY = True", cell.source)
    where = {"metadata": {"path": tmp_path}}
    nbclient.NotebookClient(notebook, timeout=600, resources=where).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code" and "plt.show()" in cell.source:
            kinds = [set(output.get("data", ())) for output in cell.outputs]
            assert any("image/png" in kind for kind in kinds), cell.source
