import pathlib
import subprocess
import sys

import pytest

_ROOT = pathlib.Path(__file__).parent.parent
_COMMAND = """
import os, signal, time
from absl import flags
from experiments import cli, progress
DO = flags.DEFINE_string("do", "", "")
def main(argv):
    if DO.value == "input":
        raise cli.InputError("two\\nlines")
    if DO.value == "file":
        open("nowhere/file")
    if DO.value == "memory":
        raise MemoryError("9 GiB for an array")
    if DO.value == "bug":
        raise RuntimeError("ours")
    if DO.value == "stop":
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    if DO.value == "tell":
        progress.Progress(None).line("told")
cli.run(main)
"""


@pytest.mark.parametrize(
    ("argument", "status", "said"),
    [
        ("--do=", 0, ""),
        ("--do=input", 2, "error: two lines\n"),
        (
            "--do=file",
            2,
            "error: [Errno 2] No such file or directory: 'nowhere/file'\n",
        ),
        (
            "--do=memory",
            2,
            "error: out of memory (9 GiB for an array): ask for less at once\n",
        ),
        ("--dont=x", 2, "error: Unknown command line flag 'dont'\n"),
        ("word", 2, "error: unexpected argument 'word': flags look like --a=b\n"),
        ("--do=stop", 75, "interrupted: give the same command to go on\n"),
    ],
)
def test_status_and_the_one_line(argument, status, said):
    done = _run(argument)
    assert (done.returncode, done.stderr) == (status, said)


def test_our_own_faults_keep_their_trace():
    done = _run("--do=bug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr and "RuntimeError: ours" in done.stderr


def test_verbosity_shows_the_trace_behind_a_line():
    done = _run("--do=input", "--verbosity=1")
    assert done.returncode == 2
    assert "Traceback" in done.stderr and done.stderr.endswith("error: two lines\n")


@pytest.mark.parametrize(
    "closed, argument, status",
    [(">&-", "tell", 0), (">&-", "input", 2), ("2>&-", "input", 2)],
)
def test_nobody_need_listen(closed, argument, status):
    command = ["sh", "-c", f'exec "$0" "$@" {closed}', sys.executable, "-c", _COMMAND]
    done = subprocess.run(
        [*command, f"--do={argument}"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def _run(*arguments):
    command = [sys.executable, "-c", _COMMAND, *arguments]
    return subprocess.run(
        command, cwd=_ROOT, capture_output=True, text=True, check=False
    )
