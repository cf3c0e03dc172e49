"""From sources to shards and back, through the commands that people type."""

import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from adavsr_jax import data, manifests, video

_ROOT = pathlib.Path(__file__).parents[1]


def _command(module, *flags):
    return subprocess.run(
        [sys.executable, "-m", f"data_prep.{module}", *flags],
        capture_output=True,
        text=True,
        cwd=_ROOT,
        check=False,
    )


def _build(dataset, source, output, *flags):
    return _command(
        "build_shards",
        f"--dataset={dataset}",
        f"--source={source}",
        f"--output={output}",
        *flags,
    )


def _clip(seed, sizes=(7, 12, 20)):
    return np.random.default_rng(seed).integers(0, 256, (*sizes, 3), np.uint8)


@pytest.fixture(name="septuplets", scope="module")
def _septuplets(tmp_path_factory):
    """A small tree in the layout of Vimeo-90K's septuplet release."""
    root = tmp_path_factory.mktemp("vimeo_septuplet")
    lists = {
        "sep_trainlist.txt": [f"{i:05d}/{j:04d}" for i in (1, 2) for j in (1, 2, 3)]
        + ["00004/0001", "00004/0003"],
        "sep_testlist.txt": ["00001/0004", "00003/0001"],
    }
    for number, clip_id in enumerate(sum(lists.values(), [])):
        folder = root / "sequences" / clip_id
        folder.mkdir(parents=True)
        for index, frame in enumerate(_clip(number), start=1):
            Image.fromarray(frame).save(folder / f"im{index}.png")
    for name, ids in lists.items():
        (root / name).write_text("\n".join(ids) + "\n\n")
    return root


@pytest.fixture(name="vimeo", scope="module")
def _vimeo(septuplets, tmp_path_factory):
    output = tmp_path_factory.mktemp("shards") / "new" / "vimeo"
    done = _build("vimeo90k", septuplets, output, "--clips_per_shard=4")
    assert (done.returncode, done.stderr) == (0, "")
    assert "10 records, 4 shards" in done.stdout
    return output


def test_septuplets_come_back_in_the_order_of_their_lists(vimeo):
    splits = ("train", "val", "test")
    train, val, test = (data.shards(vimeo, split) for split in splits)
    assert (len(train), len(val), len(test)) == (6, 2, 2)
    # Whole folders: nothing of the one that is held out is trained on.
    assert [val.describe(n)[-11:] for n in range(2)] == ["00004/0001)", "00004/0003)"]
    np.testing.assert_array_equal(val[1], _clip(7))
    for number in range(6):
        np.testing.assert_array_equal(train[number], _clip(number))
    np.testing.assert_array_equal(test[1], _clip(9))
    assert train.describe(4).endswith("record 1 (00002/0002)")


def test_manifest_tells_what_is_there(vimeo, septuplets):
    manifest = manifests.read(vimeo)
    assert manifest["source"] == septuplets.name
    assert manifest["records"] == 10 and manifest["frames"] == 7
    assert manifest["min_size"] == manifest["max_size"] == [12, 20]
    assert [file["records"] for file in manifest["files"]] == [3, 3, 2, 2]
    assert manifest["splits"]["test"] == ["00001/0004", "00003/0001"]
    listed = {file["path"] for file in manifest["files"] + manifest["metadata"]}
    assert {path.name for path in vimeo.iterdir()} == listed | {manifests.FILE}
    # No more of this machine's paths than the name of the source's folder.
    assert str(septuplets.parent) not in (vimeo / manifests.FILE).read_text()
    assert [path.name for path in vimeo.parent.iterdir()] == ["vimeo"]


def test_tensorflow_datasets_reads_the_same_records(vimeo):
    program = (
        "import sys, hashlib, tensorflow_datasets as tfds\n"
        "source = tfds.builder_from_directory(sys.argv[1]).as_data_source('train')\n"
        "for row in source:\n"
        "    print(row['id'].decode(), hashlib.sha256(row['clip']).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, vimeo],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == manifests.read(vimeo)["splits"]["train"]
    assert len({row[1] for row in rows}) == 6


def test_a_second_build_gives_the_same_bytes(vimeo, septuplets, tmp_path):
    done = _build("vimeo90k", septuplets, tmp_path / "again", "--clips_per_shard=4")
    assert done.returncode == 0
    again = manifests.read(tmp_path / "again")
    assert again["files"] == manifests.read(vimeo)["files"]


@pytest.mark.parametrize(
    "damage", ["frame", "list", "picture", "output", "folder", "flag"]
)
def test_bad_input_is_one_line_and_leaves_nothing(septuplets, tmp_path, damage):
    source, output = tmp_path / "source", tmp_path / "out" / "shards"
    flags = []
    shutil.copytree(septuplets, source)
    output.parent.mkdir()
    frame = source / "sequences" / "00002" / "0001" / "im4.png"
    words = {
        "frame": "im4.png is missing",
        "list": "sep_testlist.txt is missing",
        "picture": "im4.png",
        "output": "exists and is not an empty folder",
        "folder": "is missing: expected Vimeo-90K",
        "flag": "septuplets have 7 frames",
    }[damage]
    if damage == "frame":
        frame.unlink()
    elif damage == "list":
        (source / "sep_testlist.txt").unlink()
    elif damage == "picture":
        frame.write_bytes(frame.read_bytes()[:200])
    elif damage == "output":
        output.mkdir()
        (output / "mine.txt").write_text("keep")
    elif damage == "folder":
        source = tmp_path / "nowhere"
    else:
        flags += ["--frames=5"]
    before = sorted(output.parent.rglob("*"))
    done = _build("vimeo90k", source, output, *flags)
    assert done.returncode == 2
    assert words in done.stderr and done.stderr.count("\n") == 1
    # A shard that was done by then is kept for the next try, and nothing else.
    kept = output.with_name("shards.building")
    left = [path for path in output.parent.rglob("*") if kept not in path.parents]
    assert sorted(path for path in left if path != kept) == before


@pytest.mark.parametrize(
    "flags", [["--dataset=videos"], ["--dataset=x"], ["--seed=a"], ["--no_such=1"]]
)
def test_bad_flags_are_one_line(flags):
    done = _command("build_shards", *flags)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("split", ["val 2", "a/b", "", "-", "all"])
def test_a_split_that_names_no_file_is_refused_first(split):
    done = _build("videos", "nowhere", "nothing", f"--split={split}")
    assert done.returncode == 2
    assert "--split" in done.stderr and "letters, digits, _ and -" in done.stderr
    assert done.stderr.count("\n") == 1


def _pan(seed, num_frames, size=24):
    """Frames of a window that moves over smooth noise of its own palette."""
    rng = np.random.default_rng(seed)
    big = np.kron(rng.uniform(-1, 1, (6, 30, 3)), np.ones((8, 8, 1)))
    for axis in (0, 1):
        big = (np.roll(big, 2, axis) + big + np.roll(big, -2, axis)) / 3
    big = np.clip(rng.uniform(60, 200, 3) + 60 * big, 0, 255).astype(np.uint8)
    return np.stack([big[:size, 2 * i : 2 * i + size + 8] for i in range(num_frames)])


def _save_frames(folder, frames):
    folder.mkdir(parents=True)
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{index}.png")


def test_videos_are_cut_and_stills_and_small_ones_dropped(tmp_path):
    source, output = tmp_path / "films", tmp_path / "shards"
    # Shots of 11, 8 and 5 frames: clips of 4 at 0, 4; 11, 15; 19.
    film = np.concatenate([_pan(0, 11), _pan(1, 8), _pan(2, 5)])
    _save_frames(source / "a" / "film", film)
    _save_frames(source / "still", np.repeat(_pan(3, 1), 9, axis=0))
    _save_frames(source / "small", _pan(4, 9, size=16))
    video.write(source / "b.mp4", _pan(5, 8), 24)
    # Frames do not hide the film beside them.
    video.write(source / "still" / "c.mp4", _pan(6, 4), 24)
    done = _build(
        "videos", source, output, "--frames=4", "--min_size=20", "--split=val"
    )
    assert done.returncode == 0, done.stderr
    manifest = manifests.read(output)
    assert manifest["splits"] == {
        "val": [f"a/film#{first}" for first in (0, 4, 11, 15, 19)]
        + ["b.mp4#0", "b.mp4#4", "still/c.mp4#0"]
    }
    assert manifest["dropped"] == {
        "val": {
            "frames left at the end of a shot": 3 + 1 + 1,
            "static clips": 2,
            "videos with a side below 20 pixels": 1,
        }
    }
    clips = data.shards(output, "val")
    np.testing.assert_array_equal(clips[2], film[11:15])
    assert clips[6].shape == (4, 24, 32, 3)


def test_nothing_left_is_told_with_the_reasons(tmp_path):
    _save_frames(tmp_path / "films" / "still", np.repeat(_pan(3, 1), 9, axis=0))
    done = _build("videos", tmp_path / "films", tmp_path / "out", "--min_size=8")
    assert done.returncode == 2
    assert "gives no clip; dropped: 1 static clips" in done.stderr
    (tmp_path / "empty").mkdir()
    done = _build("videos", tmp_path / "empty", tmp_path / "out")
    assert "holds no video file" in done.stderr
    done = _build("photos", tmp_path / "empty", tmp_path / "out")
    assert "holds no picture" in done.stderr
    assert not (tmp_path / "out").exists()


def test_photos_become_clips(tmp_path):
    (tmp_path / "stills").mkdir()
    for seed in range(3):
        picture = Image.fromarray(_clip(seed, (1, 60, 70))[0])
        picture.save(tmp_path / "stills" / f"{seed}.webp", lossless=True)
    flags = ["--size=32", "--clips_per_photo=2", "--clips_per_shard=4"]
    done = _build("photos", tmp_path / "stills", tmp_path / "out", *flags)
    assert done.returncode == 0, done.stderr
    clips = data.shards(tmp_path / "out", "train")
    assert len(clips) == 6 and clips[5].shape == (7, 32, 32, 3)
    manifest = manifests.read(tmp_path / "out")
    assert [file["records"] for file in manifest["files"]] == [3, 3]


def _rewrite(root, **changes):
    manifests.write(root, manifests.read(root) | changes)


def test_verify_finds_each_damage(vimeo, tmp_path):
    done = _command("verify", f"--shards={vimeo}")
    assert done.returncode == 0 and "10 records in 4 shards" in done.stdout

    def faults(damage):
        root = tmp_path / "copy"
        shutil.copytree(vimeo, root)
        damage(root, root / "clips-train.array_record-00001-of-00002")
        before = {path: path.read_bytes() for path in root.iterdir()}
        done = _command("verify", f"--shards={root}")
        assert done.returncode == 2 and not done.stderr.count("Traceback")
        assert {path: path.read_bytes() for path in root.iterdir()} == before
        shutil.rmtree(root)
        return (done.stdout + done.stderr).replace(f"{root}/", "").splitlines()

    def truncate(root, shard):
        shard.write_bytes(shard.read_bytes()[:-1])

    def flip(root, shard):
        whole = bytearray(shard.read_bytes())
        whole[whole.index(b"AVSC") + 400] ^= 1
        shard.write_bytes(whole)

    name = "clips-train.array_record-00001-of-00002"
    told = faults(truncate)
    assert told[0].startswith(f"{name}: truncated, ")
    assert told[1] == f"{name}: 0 readable records, the manifest says 3"
    told = faults(flip)
    assert told[0] == f"{name}: its sha256 is not the one in the manifest"
    assert len(told) == 2 and told[1].startswith(f"{name} record 0: cannot be decoded")
    assert faults(lambda root, shard: shard.unlink()) == [f"{name}: missing"]
    assert faults(lambda root, shard: (root / "x").touch()) == [
        "x: not in the manifest"
    ]
    told = faults(lambda root, shard: (root / manifests.FILE).unlink())
    assert len(told) == 1 and "no shards at" in told[0]
    ids = manifests.read(vimeo)["splits"]
    swapped = ids | {"train": ids["train"][::-1]}
    told = faults(lambda root, shard: _rewrite(root, splits=swapped))
    assert len(told) == 6
    assert told[5] == f"{name} record 2: is 00002/0003, the manifest says 00001/0001"
    told = faults(lambda root, shard: _rewrite(root, records=9))
    assert told == ["manifest.json: its records do not add up"]
