"""Processes that read clips: the same batches, and no process is left behind."""

import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import time

import pytest

_ROOT = pathlib.Path(__file__).parent.parent
# A program of its own: reading processes import the one that started them.
_PROGRAM = """
    import contextlib, os, pathlib, signal, sys, time
    import numpy as np
    from absl import flags
    from adavsr_jax import data

    BAD = pathlib.Path(sys.argv[1])

    class Clips:
        least = (3, 8, 8)
        def __len__(self):
            return 5
        def __getitem__(self, index):
            if BAD.exists():
                raise ValueError(f"clip {index} is damaged")
            return np.full((3, 8, 8, 3), index, np.uint8)
        shape = staticmethod(lambda index: (3, 8, 8))
        describe = staticmethod(str)

    def batches(processes):
        return data.batches(
            [Clips()], [1.0], batch_size=2, patch=4, frames=3, seed=1,
            num_processes=processes, start=3,
        )

    def readers():
        found = []
        for place in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
                command = (place / "cmdline").read_text()
                if parent == os.getpid() and "spawn_main" in command:
                    found.append(int(place.name))
        return found
"""


def _start(tmp_path, body):
    program = tmp_path / "program.py"
    code = textwrap.dedent(_PROGRAM) + "\nif __name__ == '__main__':\n"
    code += "    flags.FLAGS(['program'])\n"
    program.write_text(code + textwrap.indent(textwrap.dedent(body), "    "))
    return subprocess.Popen(
        [sys.executable, str(program), str(tmp_path / "bad")],
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _ended(pids):
    for _ in range(3000):  # a machine may be busy
        # What has ended but nobody waited for has no command line.
        if not any(_command(pid) for pid in pids):
            return True
        time.sleep(0.1)
    return False


def _command(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


_NEEDS_PROC = pytest.mark.skipif(
    not pathlib.Path("/proc/self/stat").exists(), reason="looks for processes in /proc"
)


def test_batches_are_the_same_whoever_reads(tmp_path):
    process = _start(
        tmp_path,
        """
        both = [batches(0), batches(2)]
        for _ in range(20):
            one, other = (next(stream)["clips"] for stream in both)
            np.testing.assert_array_equal(one, other)
            del one, other  # in shared memory, which goes first when Python ends
        both[1].close()
        print("equal")
        """,
    )
    assert process.communicate(timeout=300)[0].strip() == "equal"


def test_what_reading_raises_is_told(tmp_path):
    process = _start(
        tmp_path,
        """
        stream = batches(2)
        next(stream)
        BAD.write_text("")
        try:
            for _ in range(20):
                next(stream)
        except ValueError as error:
            print("told:", str(error).splitlines()[0])
        """,
    )
    output = process.communicate(timeout=300)[0]
    assert "told: clip" in output and "is damaged" in output


@_NEEDS_PROC
def test_a_reader_that_dies_ends_the_stream_with_a_line(tmp_path):
    process = _start(
        tmp_path,
        """
        stream = batches(2)
        next(stream)
        os.kill(readers()[0], signal.SIGKILL)
        try:
            while True:
                next(stream)
        except ValueError as error:
            print("told:", error)
        """,
    )
    output = process.communicate(timeout=300)[0]
    assert "told: a process that reads clips has died" in output


@_NEEDS_PROC
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_to_the_whole_group_are_the_trainers_to_answer(tmp_path, number):
    process = _start(
        tmp_path,
        """
        received = []
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: received.append(1))
        with contextlib.closing(batches(2)) as stream:
            next(stream)
            print("ready", *readers(), flush=True)
            while not received:
                time.sleep(0.05)
            for _ in range(30):
                next(stream)
        print("went on")
        """,
    )
    ready, *pids = process.stdout.readline().split()
    assert ready == "ready" and len(pids) == 2
    os.killpg(process.pid, number)
    assert process.communicate(timeout=300)[0].strip() == "went on"
    assert _ended(pids)


@_NEEDS_PROC
def test_readers_end_with_a_parent_that_is_killed(tmp_path):
    process = _start(
        tmp_path,
        """
        stream = batches(2)
        next(stream)
        print(*readers(), flush=True)
        time.sleep(3600)
        """,
    )
    pids = process.stdout.readline().split()
    assert len(pids) == 2
    process.kill()
    process.communicate()
    assert _ended(pids)
