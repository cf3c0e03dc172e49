"""A disk that fills up while a run saves: one line, and nothing of before is lost."""

import pathlib
import re
import shutil
import subprocess
import sys

import commands
import pytest

from experiments import cli, full_disk

_FLAGS = [
    *commands.TINY,
    "--config.data.rendered_clips=2",
    "--config.large_scale.steps=12",
    "--config.large_scale.batch=1",
    "--config.meta.steps=2",
    "--config.meta.batch=1",
    "--config.run.save_every_steps=2",
]
# Who is not root may mount in a namespace of users, where that is allowed.
_UNSHARE = ["unshare", "--mount", "--map-root-user"]
# The small disk is this shell's alone and ends with it. A large file is there already.
_SCRIPT = """
mount -t tmpfs -o size=$(($1 + 4096))k tmpfs "$0" || exit 99
head -c 4194304 /dev/zero > "$0"/large
shift
"$@"; echo "status $?"
"$@"; echo "status $?"
rm "$0"/large
"$@"; echo "status $?"
"""


def _on_a_small_disk(folder, size):
    """The command twice on a disk with so many KiB free, and once with 4 MiB more."""
    command = [sys.executable, "-m", "experiments.meta_train", *_FLAGS]
    return subprocess.run(
        [
            *(*_UNSHARE, "sh", "-c", _SCRIPT, str(folder), str(size)),
            *(*command, f"--workdir={folder}/run"),
        ],
        **commands.surroundings({}),
        capture_output=True,
        check=False,
    )


def _kilobytes(folder):
    """What its files take where each has whole pages of 4 KiB."""
    files = (path for path in pathlib.Path(folder).rglob("*") if path.is_file())
    return sum(4 * -(-file.stat().st_size // 4096) for file in files)


def _may_mount():
    if not shutil.which("unshare"):
        return False
    done = subprocess.run([*_UNSHARE, "true"], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.slow
def test_a_full_disk_is_a_line_and_the_run_goes_on_from_what_was_saved(tmp_path):
    if not _may_mount():
        pytest.skip("a namespace to mount a disk in may not be made here")
    undisturbed = commands.run(
        "experiments.meta_train", *_FLAGS, f"--workdir={tmp_path}/undisturbed"
    )
    disk = tmp_path / "disk"
    disk.mkdir()
    saved = (tmp_path / "undisturbed" / "checkpoints").iterdir()
    # Two checkpoints have room on it, a third one has not.
    done = _on_a_small_disk(disk, 5 * max(map(_kilobytes, saved)) // 2)
    if done.returncode == 99:
        pytest.skip("a disk of one's own may not be mounted here")
    statuses = re.findall(r"^status (\d+)$", done.stdout, re.MULTILINE)
    assert statuses == ["2", "2", "0"], done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert len(lines) == 2, done.stderr
    line = r"error: --workdir=\S+: no space left on the disk; step (\d+) is saved: make"
    first, second = (int(re.match(line, text)[1]) for text in lines)
    assert first <= second
    assert f"device(s), from step {second}\n" in done.stdout
    digest = undisturbed.stdout.splitlines()[-1]
    assert digest.startswith("final params sha256")
    assert done.stdout.splitlines()[-2] == digest


def test_without_a_checkpoint_none_is_promised(tmp_path):
    words = "no step is saved yet: make room and give the same command"
    with pytest.raises(cli.InputError, match=words), full_disk.told(tmp_path):
        raise ValueError("RESOURCE_EXHAUSTED: x: No space left on device")


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(PermissionError), full_disk.told(tmp_path):
        raise PermissionError(13, "Permission denied")


# What TensorStore does of the other arrays once Orbax has given up on one.
_LATE = """
import asyncio, tensorstore
from experiments import cli

async def wait(future):
    await future

def main(argv):
    loop = asyncio.new_event_loop()
    promise, future = tensorstore.Promise.new()
    task = loop.create_task(wait(future))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    promise.set_result(0)
    raise cli.InputError("no room")

cli.run(main)
"""


def test_arrays_that_end_later_say_nothing():
    done = subprocess.run(
        [sys.executable, "-c", _LATE],
        **commands.surroundings({}),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert "error: no room\n" in done.stderr
    assert "Traceback" not in done.stderr
