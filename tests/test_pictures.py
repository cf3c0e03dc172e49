"""Pictures and folders of them: nothing lost, nothing misnamed."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from adavsr_jax import pictures


def _noise(*shape, dtype=np.uint8):
    top = np.iinfo(dtype).max
    return np.random.default_rng(0).integers(0, top, shape, dtype, endpoint=True)


def _only(folder):
    opened = pictures.open_folder(folder)
    assert opened.count == 1
    ((pixels, alpha),) = opened
    return opened, pixels, alpha


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("with_alpha", [False, True])
@pytest.mark.parametrize("grey", [False, True])
def test_what_is_written_is_read(tmp_path, dtype, with_alpha, grey):
    pixels = _noise(5, 37, 3, dtype=dtype)
    pixels = np.repeat(pixels[..., :1], 3, axis=-1) if grey else pixels
    alpha = _noise(5, 37, dtype=dtype) // 2 if with_alpha else None
    if with_alpha:
        alpha[0] = 0  # the colour below is kept
    pictures.write_picture(tmp_path / "0.png", pixels, alpha, grey=grey)
    folder, read, read_alpha = _only(tmp_path)
    assert (folder.height, folder.width, folder.grey) == (5, 37, grey)
    assert (folder.bits, folder.alpha) == (8 * np.dtype(dtype).itemsize, with_alpha)
    assert read.dtype == dtype
    np.testing.assert_array_equal(read, pixels)
    np.testing.assert_array_equal(read_alpha, alpha)
    assert [path.name for path in tmp_path.iterdir()] == ["0.png"]


def test_sixteen_bits_rounded_to_eight(tmp_path):
    deep = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1).repeat(3, axis=-1)
    pictures.write_picture(tmp_path / "0.png", deep)
    error = pictures.read(tmp_path / "0.png") * 257.0 - deep
    assert np.abs(error).max() <= 257 / 2


def test_pillow_and_we_agree_on_our_deep_files(tmp_path):
    deep = _noise(4, 6, 3, dtype=np.uint16)
    pictures.write_picture(tmp_path / "0.png", deep)
    with Image.open(tmp_path / "0.png") as image:
        np.testing.assert_array_equal(np.array(image), deep >> 8)


@pytest.mark.parametrize("suffix", pictures.SUFFIXES)
def test_each_kind_is_read(tmp_path, suffix):
    smooth = np.linspace(0, 255, 32 * 32).reshape(32, 32)
    smooth = np.stack([smooth, smooth.T, 255 - smooth], axis=-1).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / f"0{suffix}", quality=95)
    folder, pixels, alpha = _only(tmp_path)
    assert (folder.bits, folder.grey, folder.alpha, alpha) == (8, False, False, None)
    assert np.abs(pixels.astype(int) - smooth).mean() < 3


def test_a_mixed_folder_holds_what_the_richest_file_needs(tmp_path):
    grey, colour, deep = _noise(4, 6), _noise(4, 6, 3), _noise(4, 6, 3, dtype=np.uint16)
    alpha = _noise(4, 6)
    Image.fromarray(grey).save(tmp_path / "2.png")
    assert pictures.open_folder(tmp_path).grey
    pictures.write_picture(tmp_path / "10.png", colour, alpha)
    pictures.write_picture(tmp_path / "11.png", deep)
    folder = pictures.open_folder(tmp_path)
    assert [path.name for path in folder.files] == ["2.png", "10.png", "11.png"]
    assert (folder.bits, folder.grey, folder.alpha) == (16, False, True)
    (first, whole), (second, part), (third, rest) = folder
    np.testing.assert_array_equal(
        first, 257 * grey[..., None].repeat(3, -1).astype(int)
    )
    np.testing.assert_array_equal(second, 257 * colour.astype(int))
    np.testing.assert_array_equal(third, deep)
    np.testing.assert_array_equal(part, 257 * alpha.astype(int))
    assert whole.min() == rest.min() == 65535
    assert {a.dtype for pair in folder for a in pair} == {np.dtype(np.uint16)}
    # Whole clips are of 8 bits: there and back changes nothing.
    np.testing.assert_array_equal(list(pictures.frames(tmp_path))[1], colour)


def test_a_palette_may_have_alpha(tmp_path):
    image = Image.new("P", (3, 2))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putdata([0, 1, 1, 0, 1, 0])
    image.save(tmp_path / "0.png", transparency=bytes([0, 128]))
    folder, pixels, alpha = _only(tmp_path)
    assert (folder.grey, folder.alpha) == (False, True)
    np.testing.assert_array_equal(
        pixels[0], [[10, 20, 30], [200, 100, 50], [200, 100, 50]]
    )
    np.testing.assert_array_equal(alpha, [[0, 128, 128], [0, 128, 0]])
    np.testing.assert_array_equal(pictures.read(tmp_path / "0.png"), pixels)


@pytest.mark.parametrize("mode", ["1", "CMYK"])
def test_other_modes_are_read_as_pillow_converts_them(tmp_path, mode):
    image = Image.fromarray(_noise(8, 8, 3)).convert(mode)
    name = tmp_path / ("0.jpg" if mode == "CMYK" else "0.png")
    image.save(name)
    folder, pixels, _ = _only(tmp_path)
    assert folder.grey == (mode == "1")
    with Image.open(name) as image:
        np.testing.assert_array_equal(pixels, np.array(image.convert("RGB")))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pictures_stand_upright(tmp_path, orientation, dtype):
    lying = _noise(4, 6, 3)
    tags = Image.Exif()
    tags[0x0112] = orientation
    Image.fromarray(lying).save(tmp_path / "0.png", exif=tags)
    with Image.open(tmp_path / "0.png") as image:
        upright = np.array(ImageOps.exif_transpose(image))
    if dtype == np.uint16:
        _graft_exif(tmp_path / "0.png", lying.astype(np.uint16) * 257)
        upright = upright.astype(np.uint16) * 257
    folder, pixels, _ = _only(tmp_path)
    assert (folder.height, folder.width) == upright.shape[:2]
    np.testing.assert_array_equal(pixels, upright)


def _graft_exif(path, deep):
    """Writes a deep picture with the tags of the one that stands there."""
    content = path.read_bytes()
    at = content.index(b"eXIf") - 4
    chunk = content[at : at + 12 + int.from_bytes(content[at : at + 4])]
    pictures.write_picture(path, deep)
    content = path.read_bytes()
    path.write_bytes(content[:33] + chunk + content[33:])  # behind the header


def _break(folder):
    """Pictures beside a good one -> what the line must say of each."""
    good = folder / "0.png"
    pictures.write_picture(good, _noise(40, 60, 3))
    whole = good.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    pictures.write_picture(folder / "deep.png", _noise(40, 60, 3, dtype=np.uint16))
    deep = (folder / "deep.png").read_bytes()
    (folder / "deep.png").unlink()
    deep_flipped = bytearray(deep)
    deep_flipped[len(deep) // 2] ^= 0xFF
    Image.fromarray(_noise(40, 60, 3)).save(folder / "1.jpg")
    jpeg = (folder / "1.jpg").read_bytes()
    (folder / "1.jpg").unlink()
    return {
        "1.png": (whole[: len(whole) // 2], "not a readable picture"),
        "2.png": (bytes(flipped), "not a readable picture"),
        "3.png": (deep[: len(deep) // 2], "not a readable picture"),
        "4.png": (bytes(deep_flipped), "not a readable picture"),
        "5.png": (b"no picture at all", "not a readable picture"),
        "6.png": (b"", "not a readable picture"),
        "7.jpg": (jpeg[: len(jpeg) // 2], "not a readable picture"),
    }


def test_a_broken_file_is_named_in_one_line(tmp_path):
    for name, (content, words) in _break(tmp_path).items():
        (tmp_path / name).write_bytes(content)
        for attempt in (
            lambda: list(pictures.open_folder(tmp_path)),
            lambda: list(pictures.frames(tmp_path)),
            lambda name=name: pictures.read(tmp_path / name),
        ):
            with pytest.raises(ValueError, match=words) as caught:
                attempt()
            assert str(caught.value).startswith(str(tmp_path / name))
            assert "\n" not in str(caught.value)
        (tmp_path / name).unlink()


def test_a_differing_size_is_told_before_any_pixel_is_read(tmp_path):
    for number in range(3):
        pictures.write_picture(tmp_path / f"{number}.png", _noise(4, 6, 3))
    pictures.write_picture(tmp_path / "odd.png", _noise(5, 6, 3))
    with pytest.raises(ValueError, match="odd.png: is 6 x 5 but 0.png is 6 x 4"):
        pictures.open_folder(tmp_path)


def test_a_file_that_changed_meanwhile_is_told(tmp_path):
    pictures.write_picture(tmp_path / "0.png", _noise(4, 6, 3))
    folder = pictures.open_folder(tmp_path)
    pictures.write_picture(tmp_path / "0.png", _noise(5, 6, 3))
    with pytest.raises(ValueError, match="0.png: is 6 x 5 now but was 6 x 4"):
        list(folder)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_an_animation_is_no_picture(tmp_path, suffix):
    first, second = (Image.fromarray(_noise(8, 8, 3) // n) for n in (1, 2))
    first.save(tmp_path / f"0{suffix}", save_all=True, append_images=[second])
    with pytest.raises(ValueError, match="an animation of 2 pictures"):
        pictures.open_folder(tmp_path)


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "0.png"
    pictures.write_picture(path, _noise(4, 6, 3))
    before = path.read_bytes()
    with pytest.raises((ValueError, TypeError)):
        pictures.write_picture(path, _noise(4, 6, 3).astype(np.float64))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ValueError, match="cannot write .jpg"):
        pictures.write_picture(tmp_path / "0.jpg", _noise(4, 6, 3))
