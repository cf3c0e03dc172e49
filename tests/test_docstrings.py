"""What is public says what it does, in which shapes, and how it fails."""

import ast
import builtins
import pathlib
import re
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parent.parent
PACKAGES = ("adavsr_jax", "data_prep", "experiments")

# Parameters of the library without an annotation that are arrays, or trees of them.
ARRAYS = {
    *("clip", "clips", "covariance", "distance", "frames", "held_out", "hr", "image"),
    *("kernel", "lr", "mean", "phases", "prediction", "rgb", "target", "truth"),
    *("grads", "like", "params", "state", "step_size", "task", "tree"),
}
# A shape in code, as `[T, H, W, 3]` or `clips [N, ...]`; the word for none; the word
# for many; or a pointer to the function that says it.
SHAPE = re.compile(
    r"`[^`]*\[[^`\]]+\][^`]*`"
    r"|\bscalars?\b"
    r"|\b(?:py)?trees?\b"
    r"|\b[Aa]s (?:in |from |of )?`\w"
)
# The docstring of a module that is a command or a config is what this function does.
SPOKEN_FOR = {"main", "get_config"}


class Public(NamedTuple):
    where: str
    node: ast.AST
    words: str


def _name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _public(body, prefix):
    """Functions, classes and methods that have no underscore; calls are public too."""
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        if node.name.startswith("_") and node.name != "__call__":
            continue
        yield Public(prefix + node.name, node, ast.get_docstring(node) or "")
        if isinstance(node, ast.ClassDef):
            yield from _public(node.body, f"{prefix}{node.name}.")


def _tree(path):
    return ast.parse(path.read_text())


def _of(package):
    return {
        public.where: public
        for path in sorted((ROOT / package).rglob("*.py"))
        for public in _public(_tree(path).body, f"{_name(path)}.")
    }


LIBRARY = _of("adavsr_jax")
EVERYTHING = LIBRARY | _of("experiments") | _of("data_prep")


def _is_array(annotation):
    return bool(annotation) and re.search(r"\b(nd)?[aA]rray\b", ast.unparse(annotation))


def _handles_arrays(node):
    """Whether a function takes or gives arrays, or a record has them as fields."""
    if isinstance(node, ast.ClassDef):
        fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
        return any(_is_array(field.annotation) for field in fields)
    arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
    return _is_array(node.returns) or any(
        _is_array(argument.annotation)
        or (argument.annotation is None and argument.arg in ARRAYS)
        for argument in arguments
    )


def test_modules_have_docstrings():
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert [_name(path) for path in files if not ast.get_docstring(_tree(path))] == []


def test_what_is_public_has_a_docstring_whose_first_line_ends():
    told = [name for name in EVERYTHING if name.rpartition(".")[2] not in SPOKEN_FOR]
    first = {name: EVERYTHING[name].words.partition("\n")[0] for name in told}
    assert [name for name in told if not re.search("[.:?]$", first[name])] == []


def test_what_handles_arrays_tells_their_shapes():
    handlers = {name for name in LIBRARY if _handles_arrays(LIBRARY[name].node)}
    assert [name for name in handlers if not SHAPE.search(LIBRARY[name].words)] == []


def _raised(node):
    """Names of the errors that a function raises itself."""
    raised = [item.exc for item in ast.walk(node) if isinstance(item, ast.Raise)]
    calls = [error for error in raised if isinstance(error, ast.Call)]
    names = {ast.unparse(call.func).rpartition(".")[2] for call in calls}
    return {name for name in names if not name.startswith("_")}


def _tells(words, name):
    """Whether a docstring names an error, or what it is one of, or who names it."""
    kinds = getattr(builtins, name, type(name, (), {})).__mro__
    names = {kind.__name__ for kind in kinds} - {"Exception", "BaseException", "object"}
    return any(name in words for name in names) or "rrors as " in words


def test_errors_that_are_raised_are_told():
    functions = {
        name: public
        for name, public in EVERYTHING.items()
        if isinstance(public.node, ast.FunctionDef)
        and name.rpartition(".")[2] not in SPOKEN_FOR
    }
    assert [
        (name, error)
        for name, public in functions.items()
        for error in _raised(public.node)
        if not _tells(public.words, error)
    ] == []


def test_the_guided_tour_passes_every_module_once():
    tour = ast.get_docstring(_tree(ROOT / "adavsr_jax/__init__.py"))
    named = re.findall(r"^ *`([\w.]+)`  +\S", tour, re.MULTILINE)
    files = (ROOT / "adavsr_jax").rglob("*.py")
    modules = {_name(path).partition(".")[2] for path in files} - {""}
    assert sorted(named) == sorted(modules)
