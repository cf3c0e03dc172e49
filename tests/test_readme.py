"""The READMEs: every command in them is one, every link leads somewhere."""

import concurrent.futures
import functools
import pathlib
import re
import shlex

import commands
import pytest

ROOT = pathlib.Path(__file__).parent.parent
READMES = [
    path.relative_to(ROOT)
    for folder in ("", "experiments/results", "experiments/configs", "experiments")
    + ("experiments/launch", "adavsr_jax/weights", "tests")
    for path in [ROOT / folder / "README.md"]
    if path.is_file()
]
_LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)|src=\"(?!https?:)([^\"]+)\"")
# A word of a shell's own, or a loop's.
_SHELL = {"for", "done"}


@functools.cache
def _text(readme):
    return (ROOT / readme).read_text(encoding="utf-8")


def _lines(readme):
    """Commands, from fenced blocks and from code within a sentence."""
    text = _text(readme)
    blocks = re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    spans = re.findall(
        r"(?<!`)`([^`]+)`(?!`)", re.sub(r"```.*?```", "", text, flags=16)
    )
    starts = ("python ", "make ", ".venv/bin/", "pip ")
    lines = [
        line for block in blocks for line in block.replace("\\\n", " ").split("\n")
    ]
    lines += [" ".join(s.split()) for s in spans if s.startswith(starts)]
    return [line.strip() for line in lines if line.strip()]


def _words(line):
    """A command's words, without what stands before it and what is told behind `#`."""
    words = shlex.split(line, comments=True)
    while words and re.match(r"\w+=", words[0]):
        words.pop(0)
    return words


COMMANDS = [(readme, _words(line)) for readme in READMES for line in _lines(readme)]
MODULES = sorted(
    {tuple(words[2:]) for _, words in COMMANDS if words[:2] == ["python", "-m"]}
)


@pytest.mark.slow
def test_commands_know_their_flags():
    # A variable of a loop stands for a number.
    run = lambda words: commands.run(
        *[re.sub(r"\$\w+", "0", word) for word in words], "--help"
    )
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for words, done in zip(MODULES, pool.map(run, MODULES), strict=True):
            assert (done.returncode, done.stderr) == (1, ""), words
            assert "\nflags:\n" in done.stdout
    assert len(MODULES) > 10


def test_other_commands_name_what_is_there():
    targets = re.search(r"^\.PHONY: (.*)$", _makefile(), re.MULTILINE)[1].split()
    for readme, words in COMMANDS:
        if words[0] in _SHELL or words[:2] == ["python", "-m"]:
            continue
        if words[0] == "make":
            assert words[1] in targets or "=" in words[1], (readme, words)
        elif words[0] == "pip":
            assert words[1] == "install"
        else:
            files = [w for w in words[1:] if re.search(r"\.(py|sh|ipynb|yaml)$", w)]
            assert files, f"{readme}: is {words} a command?"
            for name in files:
                assert (ROOT / name).is_file(), (readme, name)


def _makefile():
    return (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("readme", READMES, ids=str)
def test_links_lead_somewhere(readme):
    for found in _LINK.findall(_text(readme)):
        name, _, anchor = (found[0] or found[1]).partition("#")
        path = (ROOT / readme).parent / name if name else ROOT / readme
        assert path.exists(), f"{readme}: {name}"
        if anchor:
            assert anchor in _anchors(path), f"{readme}: {name}#{anchor}"


def _anchors(path):
    """Of its headings, as a page on the web has them."""
    heads = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", head.lower()) for head in heads]
    return {head.replace(" ", "-") for head in plain}
