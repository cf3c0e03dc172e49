"""One file of shards damaged: the right clips, or a line that names the file."""

import shutil

import commands
import numpy as np
import pytest
from PIL import Image

from adavsr_jax import data, manifests


@pytest.fixture(name="whole", scope="module")
def _whole(tmp_path_factory):
    """Shards as the command builds them: two, a manifest and TFDS' two files."""
    source = tmp_path_factory.mktemp("source")
    random = np.random.default_rng(0)
    for name in "ab":
        photo = random.integers(0, 256, (200, 200, 3), np.uint8)
        Image.fromarray(photo).save(source / f"{name}.png")
    root = tmp_path_factory.mktemp("shards") / "whole"
    done = commands.run(
        "data_prep.build_shards",
        *("--dataset=photos", f"--source={source}", f"--output={root}", "--size=24"),
        *("--clips_per_photo=2", "--clips_per_shard=2", "--workers=1"),
    )
    assert done.returncode == 0, done.stderr
    assert len(list(root.iterdir())) == 5
    return root


def _clips(root):
    source = data.shards(root, "train")
    return [source[index] for index in range(len(source))]


def _damages(whole):
    """Bytes of a file after each of many damages; None for a file that is gone."""
    size = len(whole)
    yield from (None, b"", whole[: size // 2], whole[:-1])
    ends = {*range(min(32, size)), *range(max(0, size - 32), size)}
    for place in sorted(ends | set(range(0, size, max(1, size // 96)))):
        for bit in (1, 128):
            yield _flipped(whole, place, bit)


def _flipped(whole, place, bit):
    return whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :]


def test_every_file_damaged_gives_the_right_clips_or_a_line(whole, tmp_path):
    expected = _clips(whole)
    root = tmp_path / "copy"
    shutil.copytree(whole, root)
    count = told = 0
    for path in sorted(root.iterdir()):
        bytes_ = path.read_bytes()
        for damaged in _damages(bytes_):
            path.unlink() if damaged is None else path.write_bytes(damaged)
            count += 1
            try:
                found = _clips(root)
            except ValueError as error:
                told += 1
                assert str(root) in str(error)
                assert path.name in str(error)
                assert "\n" not in str(error)
            else:
                for clip, one in zip(found, expected, strict=True):
                    np.testing.assert_array_equal(clip, one)
            path.write_bytes(bytes_)
    print(f"{count} cases, {told} told")  # shown by `pytest -s`
    assert count > 1000 and told > 300


@pytest.mark.slow
def test_verify_names_every_damaged_file(whole, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(whole, root)
    for path in sorted(root.iterdir()):
        bytes_ = path.read_bytes()
        half = len(bytes_) // 2
        for damaged in (b"", bytes_[: half + 9], _flipped(bytes_, half, 1)):
            path.write_bytes(damaged)
            done = commands.run("data_prep.verify", f"--shards={root}")
            text = done.stdout + done.stderr
            assert (done.returncode, "Traceback" in text) == (2, False), text
            assert path.name in text
        path.write_bytes(bytes_)


def test_an_older_manifest_without_a_digest_is_read(whole, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(whole, root)
    manifest = manifests.read(root)
    manifests.write(root, manifest)  # the same bytes
    names = [path.name for path in sorted(root.iterdir())]
    assert [(root / n).read_bytes() for n in names] == [
        (whole / n).read_bytes() for n in names
    ]
    text = (root / manifests.FILE).read_text()
    line = f' "sha256": "{manifest["sha256"]}",\n'
    assert line in text
    (root / manifests.FILE).write_text(text.replace(line, ""))
    assert len(_clips(root)) == len(_clips(whole))
