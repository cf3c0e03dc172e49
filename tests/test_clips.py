"""Which clips a folder, shards and lists name, and what is read of each."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from adavsr_jax import video
from experiments import cli, clips


def _noise(seed, frames=3, height=32, width=48):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (frames, height, width, 3), np.uint8)


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory):
    """Two folders of frames, a video between them, and what is no clip."""
    folder = tmp_path_factory.mktemp("clips")
    video.write(folder / "b walk", _noise(0), 25)
    video.write(folder / "c.mp4", _noise(1), 25)
    video.write(folder / "d", _noise(2), 25)
    (folder / "a.txt").touch()
    (folder / "empty").mkdir()
    return folder


def _names(found):
    return [(clip.group, clip.name) for clip in found]


def test_each_video_and_folder_of_frames_is_a_clip_of_its_name(folder):
    found = clips.find(str(folder), [])
    assert _names(found) == [("", "b walk"), ("", "c"), ("", "d")]
    assert [clip.where for clip in found] == [
        str(folder / name) for name in ("b walk", "c.mp4", "d")
    ]
    for clip in found:
        whole = np.stack(list(video.frames(clip.where)))
        np.testing.assert_array_equal(clips.read(clip), whole)
    np.testing.assert_array_equal(clips.read(found[2]), _noise(2))


@pytest.mark.parametrize(("height", "width"), [(16, 16), (31, 33), (48, 79)])
def test_a_clip_is_cropped_at_its_top_left_to_multiples_of_16(height, width):
    frames = _noise(0, 2, height, width)
    cropped = clips.read(clips.Clip("a", "a", "", "", lambda: frames))
    rows, columns = cropped.shape[1:3]
    assert (rows % 16, columns % 16) == (0, 0)
    assert 0 <= height - rows < 16 and 0 <= width - columns < 16
    np.testing.assert_array_equal(cropped, frames[:, :rows, :columns])


@pytest.mark.parametrize(("height", "width"), [(15, 64), (64, 15)])
def test_a_clip_below_16_pixels_is_refused_by_name(tmp_path, height, width):
    video.write(tmp_path / "a", _noise(0, 2, height, width), 25)
    (clip,) = clips.find(str(tmp_path), [])
    with pytest.raises(cli.InputError, match=f"a: {height} x {width} pixels are small"):
        clips.read(clip)


def test_lists_name_the_clips_in_their_order_and_give_them_their_group(
    folder, tmp_path
):
    slow, fast = tmp_path / "slow_testset.txt", tmp_path / "fast.txt"
    slow.write_text("d\nb walk\n\n")
    fast.write_text("d\n")
    found = clips.find(str(folder), [str(slow), str(fast)])
    assert _names(found) == [("slow", "d"), ("slow", "b walk"), ("fast", "d")]
    for clip, seed in zip(found, (2, 0, 2), strict=True):
        np.testing.assert_array_equal(clips.read(clip), _noise(seed))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"d\ne\n", "names e, which --clips="),
        (b"\n \n", "names no clip"),
        (b"\xff\xfe", "cannot be read as a text file"),
        (None, "cannot be read as a text file"),
    ],
)
def test_a_list_that_cannot_be_followed_is_refused_by_its_path(
    folder, tmp_path, content, complaint
):
    path = tmp_path / "slow_testset.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(cli.InputError, match=complaint) as error:
        clips.find(str(folder), [str(path)])
    assert f"--lists={path}" in str(error.value)


@pytest.mark.parametrize("source", [None, "", "nowhere", "nowhere:test", "d", "empty"])
def test_another_layout_is_told_what_is_expected(folder, monkeypatch, source):
    # A folder of frames is a clip, but no folder of clips.
    monkeypatch.chdir(folder)
    with pytest.raises(cli.InputError, match="--clips") as error:
        clips.find(source, [])
    for expected in ("DIR/city.mkv", "DIR/city/0001.png", "--clips=SHARDS:SPLIT"):
        assert expected in str(error.value)
    assert not source or f"--clips={source}: " in str(error.value)


def test_two_clips_of_one_name_are_refused(tmp_path):
    video.write(tmp_path / "a", _noise(0), 25)
    video.write(tmp_path / "a.mp4", _noise(1), 25)
    with pytest.raises(cli.InputError, match="two clips have the name a"):
        clips.find(str(tmp_path), [])


@pytest.fixture(name="septuplets", scope="module")
def _septuplets(tmp_path_factory, pytestconfig):
    """A tree of three septuplets as Vimeo-90K has them, and shards that are of it."""
    root = tmp_path_factory.mktemp("vimeo")
    names = {"train": ["00001/0001"], "test": ["00002/0007", "00001/0002"]}
    for split, listed in names.items():
        (root / f"sep_{split}list.txt").write_text("\n".join(listed))
        for name in listed:
            folder = root / "sequences" / name
            folder.mkdir(parents=True)
            for index, frame in enumerate(_noise(int(name[-1]), 7, 40), start=1):
                Image.fromarray(frame).save(folder / f"im{index}.png")
    command = [sys.executable, "-m", "data_prep.build_shards", "--dataset=vimeo90k"]
    command += [f"--source={root}", f"--output={root / 'shards'}"]
    subprocess.run(command, cwd=pytestconfig.rootpath, check=True, capture_output=True)
    return root


def test_shards_hold_the_clips_of_their_split(septuplets):
    found = clips.find(f"{septuplets / 'shards'}:test", [])
    assert _names(found) == [("", "00002/0007"), ("", "00001/0002")]
    for clip, seed in zip(found, (7, 2), strict=True):
        assert clip.name in clip.where and "shard" in clip.where
        np.testing.assert_array_equal(clips.read(clip), _noise(seed, 7, 40)[:, :32])
    listed = septuplets / "sep_testlist.txt"
    again = clips.find(f"{septuplets / 'shards'}:test", [str(listed)])
    assert _names(again) == [("sep", clip.name) for clip in found]


def test_shards_without_a_split_are_told_what_is_expected(septuplets):
    with pytest.raises(cli.InputError, match="holds no clips; .* --clips=SHARDS:SPLIT"):
        clips.find(str(septuplets / "shards"), [])


def test_a_split_that_is_not_there_is_refused(septuplets):
    with pytest.raises(ValueError, match="no split 'val', it has t"):
        clips.find(f"{septuplets / 'shards'}:val", [])
