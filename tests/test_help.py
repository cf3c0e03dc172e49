"""What `--help` of every command prints: a page of a manual, with one example."""

import ast
import concurrent.futures
import pathlib
import re
import shlex

import commands
import pytest

ROOT = pathlib.Path(__file__).parent.parent
_WIDTH = 88


def _guarded(tree):
    """Whether a module does something when it is run: it has a main guard."""
    return any(
        isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)
        for node in tree.body
    )


# Name -> tree of every command. All are parsed here, in one thread: Python 3.11 parses
# wrongly now and then in several ("AST constructor recursion depth mismatch").
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): tree
    for package in ("data_prep", "experiments")
    for path in sorted((ROOT / package).rglob("*.py"))
    if _guarded(tree := ast.parse(path.read_text()))
}


def _example(module, page):
    """The words behind `python -m MODULE` of the only example of a page."""
    lines = re.findall(r"^ +python -m ((?:.*\\\n)*.*)", page, re.MULTILINE)
    assert len(lines) == 1, f"expected one example: {lines}"
    # A docstring that is not raw loses its `\` and the break behind it.
    assert not re.search(r"\S {2,}\S", lines[0]), "lines were joined"
    first, *words = shlex.split(lines[0].replace("\\\n", " "))
    assert first == module
    return words


def _required(tree):
    """Names of the flags that a module marks as required, in either of two ways."""
    names = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called == "flags.mark_flags_as_required":
            names |= set(ast.literal_eval(node.args[0]))
        elif called == "flags.mark_flag_as_required" or any(
            word.arg == "required" for word in node.keywords
        ):
            names.add(ast.literal_eval(node.args[0]))
    return names


def _ask(module):
    """What a command says to its example and `--help`: it reads flags in this order."""
    words = _example(module, ast.get_docstring(MODULES[module]))
    return commands.run(module, *words, "--help", COLUMNS=str(_WIDTH))


@pytest.fixture(scope="module")
def pages():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield {module: pool.submit(_ask, module) for module in MODULES}


def _flags(page):
    """Name -> help text, without kind, default and range, of the flags of a page."""
    listed = page.split("\nflags:\n")[1]
    found = re.findall(r"^  --(?:\[no\])?(\w+):((?:.*\n)(?:    .*\n)*)", listed, re.M)
    return {
        name: re.sub(r"<[^>]*>:|^ *\(.*\)$", "", text, flags=re.M).strip()
        for name, text in found
    }


pytestmark = pytest.mark.slow


@pytest.mark.parametrize("module", MODULES)
def test_help_is_a_page(module, pages):
    page = pages[module].result()
    # The status of absl, which takes a call for help as one that did nothing.
    assert (page.returncode, page.stderr) == (1, "")
    assert re.search(r"\bReads\b", page.stdout), "what does it read?"
    assert re.search(r"\bLeaves\b", page.stdout), "what does it leave?"
    assert max(map(len, page.stdout.splitlines())) <= _WIDTH


@pytest.mark.parametrize("module", MODULES)
def test_flags_are_explained_in_sentences(module, pages):
    explained = _flags(pages[module].result().stdout)
    assert explained
    for name, text in explained.items():
        assert re.fullmatch(r"\S.*\.", text, re.DOTALL), f"--{name}: {text}"


@pytest.mark.parametrize("module", MODULES)
def test_the_example_has_what_is_required_and_nothing_unknown(module, pages):
    page = pages[module].result().stdout
    words = _example(module, page)
    used = {re.match(r"--(\w+)", word)[1] for word in words}
    assert _required(MODULES[module]) <= used <= set(_flags(page))
