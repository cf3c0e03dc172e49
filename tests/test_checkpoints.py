"""Checkpoints: what was saved comes back, or a line says which one is damaged."""

import gc
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adavsr_jax import checkpoints

_STEP = 7


def _state():
    key = jax.random.key(0)
    weights = {"a": jax.random.normal(key, (5, 3)), "b": jnp.arange(4.0)}
    return {"params": weights, "step": jnp.int32(_STEP)}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "checkpoints"
    both = checkpoints.Checkpoints(folder)
    for step in (_STEP - 1, _STEP):
        both.save(step, _state(), {"network": "this"}, 20.0)
    both.close()
    return folder


def _restore(folder, like=None, step=_STEP):
    opened = checkpoints.Checkpoints(folder)
    try:
        return opened.restore(step, jax.eval_shape(_state) if like is None else like)
    finally:
        opened.close()


def _files(folder):
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def _cut(data):
    return data[: len(data) // 2]


def _emptied(data):
    return b""


def _flipped(data):
    place = 2 * len(data) // 3
    return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]


def test_what_was_saved_comes_back(saved):
    jax.tree.map(np.testing.assert_array_equal, _restore(saved), _state())


# Orbax closes a loop under what a failed restore still waits for.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("damage", [_cut, _emptied, _flipped, None])
def test_every_file_damaged_gives_the_right_state_or_a_line(saved, tmp_path, damage):
    """One file at a time; `None` removes it. A wrong number never comes out."""
    told = 0
    for number, path in enumerate(_files(saved / str(_STEP))):
        folder = tmp_path / str(number) / "checkpoints"
        shutil.copytree(saved, folder)
        damaged = folder / path.relative_to(saved)
        if damage is None:
            damaged.unlink()
        elif damaged.stat().st_size:
            damaged.write_bytes(damage(damaged.read_bytes()))
        try:
            found = _restore(folder)
        except ValueError as error:
            told += 1
            assert f"checkpoints/{_STEP} is " in str(error)
            assert "\n" not in str(error)
        else:
            jax.tree.map(np.testing.assert_array_equal, found, _state())
        checkpoints.set_aside(folder, _STEP)
        before = _restore(folder, step=_STEP - 1)
        jax.tree.map(np.testing.assert_array_equal, before, _state())
    assert told >= 3
    gc.collect()  # what Orbax complains of is told here, not in a later test


def test_another_structure_is_no_damage(saved):
    like = jax.eval_shape(_state) | {"more": jax.ShapeDtypeStruct((), jnp.float32)}
    with pytest.raises(ValueError, match="7 is of another structure") as caught:
        _restore(saved, like)
    assert not isinstance(caught.value, checkpoints.Damaged)


def test_what_is_set_aside_is_kept_and_the_one_before_is_the_newest(saved, tmp_path):
    folder = tmp_path / "checkpoints"
    shutil.copytree(saved, folder)
    before = {p.name: p.read_bytes() for p in _files(folder / str(_STEP))}
    place = checkpoints.set_aside(folder, _STEP)
    assert {p.name: p.read_bytes() for p in _files(place)} == before
    opened = checkpoints.Checkpoints(folder)
    assert opened.latest() == _STEP - 1
    opened.save(_STEP, _state(), {}, 20.0)
    opened.close()
    assert checkpoints.set_aside(folder, _STEP) != place
