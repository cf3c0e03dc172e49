"""Folders of sources as people have them: with links, and with names of all kinds."""

import os
import pathlib

import numpy as np
import pytest
from PIL import Image

from data_prep import photos, videos, walking, workplace


def _photo(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 256, (50, 50, 3), np.uint8)
    Image.fromarray(noise).save(path)


@pytest.fixture(name="source")
def _source(tmp_path):
    """Pictures in a folder, in one that is linked to, and links that go round."""
    source = tmp_path / "source"
    _photo(source / "b" / "1.png")
    _photo(tmp_path / "elsewhere" / "deep" / "2.png")
    (source / "a").symlink_to(source / "b")
    (source / "b" / "up").symlink_to(source)
    (source / "b" / "above").symlink_to(tmp_path)
    (source / "c").symlink_to(tmp_path / "elsewhere")
    (source / "d").symlink_to(tmp_path / "elsewhere" / "deep")
    (tmp_path / "elsewhere" / "round").symlink_to(tmp_path / "elsewhere")
    (source / "lost").symlink_to(tmp_path / "nowhere")
    return source


def test_linked_folders_are_entered_once(source):
    names = [walking.name(path, source) for path in walking.below(source)]
    assert names == ["b", "b/1.png", "c", "c/deep", "c/deep/2.png", "lost"]


def test_without_links_it_is_the_order_of_paths(tmp_path):
    for name in ("b/1.png", "b-/2.png", "b.png", "a/x/3.png", "a/w.png"):
        _photo(tmp_path / name)
    assert list(walking.below(tmp_path)) == sorted(tmp_path.rglob("*"))


def test_photographs_and_videos_behind_links_are_found_once(source):
    found = photos.read(source, frames=3, size=32, clips_per_photo=1, seed=0)
    assert found.parts == [("b/1.png", 0), ("c/deep/2.png", 0)]
    assert videos.read(source, frames=3, min_size=32).parts == ["b", "c/deep"]


@pytest.mark.parametrize("read", ["photos", "videos"])
def test_a_name_that_is_not_utf_8_is_refused_before_anything_is_read(tmp_path, read):
    name = os.fsdecode(b"caf\xe9")
    (tmp_path / name).mkdir()
    (tmp_path / name / "1.png").write_bytes(b"no picture, which nobody finds out")
    with pytest.raises(ValueError, match=r"caf\\udce9.*not UTF-8.*rename it") as told:
        if read == "photos":
            photos.read(tmp_path, frames=3, size=32, clips_per_photo=1, seed=0)
        else:
            videos.read(tmp_path, frames=3, min_size=32)
    assert str(told.value).isascii()


def test_a_link_to_an_empty_folder_is_an_output(tmp_path):
    (tmp_path / "disk" / "shards").mkdir(parents=True)
    output = tmp_path / "shards"
    output.symlink_to(tmp_path / "disk" / "shards")
    with workplace.claim(output, {"source": "s"}) as work:
        assert work.parent == tmp_path / "disk"
        (work / workplace.SHARDS / "one").write_text("1")
        workplace.finish(work, output)
    assert output.is_symlink() and (output / "one").read_text() == "1"
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["shards"]


def test_a_mount_point_is_refused_with_a_folder_to_use(tmp_path, monkeypatch):
    monkeypatch.setattr(os.path, "ismount", lambda path: pathlib.Path(path) == tmp_path)
    wanted = f"{tmp_path} is a mount point.* as --output={tmp_path}/shards"
    claim = workplace.claim(tmp_path, {"source": "s"})
    with pytest.raises(ValueError, match=wanted), claim:
        pass
    assert not list(tmp_path.iterdir())
