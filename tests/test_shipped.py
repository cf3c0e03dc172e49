"""Weights that come with the project: what was saved is loaded, or nothing is."""

import json

import jax
import naming
import numpy as np
import pytest
import small

from adavsr_jax import kernels, metrics
from experiments import build_estimator, cli, estimators, rows, shipped, trained

_NAME = "kernel_estimator"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where weights come from, with those of `naming.SURE`."""
    monkeypatch.setattr(shipped, "_FOLDER", tmp_path / "weights")
    shipped.save(_NAME, naming.config(), naming.params(naming.SURE), 25)
    return tmp_path / "weights"


def _load():
    return shipped.load(_NAME, build_estimator.check, build_estimator.initial_state)


def _check(params):
    jax.tree.map(np.testing.assert_array_equal, params, naming.params(naming.SURE))


def test_what_comes_with_the_project_is_whole():
    config, params, _ = _load()
    frames = jax.ShapeDtypeStruct((2, 16, 20, 3), "float32")
    apply = build_estimator.model(config).apply
    answer = jax.eval_shape(apply, {"params": params}, frames)
    assert answer.shape.shape == (3,)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params))


def test_what_was_saved_is_loaded(folder):
    config, params, step = _load()
    _check(params)
    assert step == 25
    assert config.network == naming.config().network
    assert config.estimator == naming.config().estimator
    assert {path.name for path in folder.iterdir()} == {
        f"{_NAME}.npz",
        f"{_NAME}.json",
    }


def test_the_card_says_what_the_weights_are_of(folder):
    card = json.loads((folder / f"{_NAME}.json").read_text())
    assert card["sha256"] == trained.digest(naming.params(naming.SURE))
    assert card["step"] == 25
    assert card["config"]["network"] == naming.config().network.to_dict()
    arrays = np.load(folder / f"{_NAME}.npz")
    assert sum(array.size for array in arrays.values()) == sum(
        leaf.size for leaf in jax.tree.leaves(naming.params(naming.SURE))
    )
    assert "Conv_0/kernel" in arrays.files


def test_in_half_precision_they_are_rounded_and_their_digest_is_of_that(folder):
    exact = jax.tree.map(lambda leaf: leaf + 1 / 3, naming.params(naming.SURE))
    whole = (folder / f"{_NAME}.npz").stat().st_size
    sha256 = shipped.save(_NAME, naming.config(), exact, 25, half=True)
    params = _load()[1]
    assert trained.digest(params) == sha256 != trained.digest(exact)
    for one, other in zip(jax.tree.leaves(exact), jax.tree.leaves(params), strict=True):
        assert other.dtype == np.float32
        np.testing.assert_array_equal(other, np.float32(np.float16(one)))
    assert (folder / f"{_NAME}.npz").stat().st_size < whole


def test_weights_are_replaced_by_later_ones(folder):
    shipped.save(_NAME, naming.config(), naming.params(naming.BICUBIC), 50)
    params = _load()[1]
    jax.tree.map(np.testing.assert_array_equal, params, naming.params(naming.BICUBIC))


def test_a_flipped_byte_is_found_or_harms_nothing(folder):
    path = folder / f"{_NAME}.npz"
    whole = path.read_bytes()
    found = 0
    for place in np.linspace(0, len(whole) - 1, 24).astype(int):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        try:
            _check(_load()[1])
        except cli.InputError as error:
            assert str(path) in str(error)
            found += 1
    assert found >= 12


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_half_a_file_is_refused(folder, share):
    path = folder / f"{_NAME}.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(cli.InputError, match=rf"{_NAME}\.npz: .*check the project out"):
        _load()


@pytest.mark.parametrize("missing", [f"{_NAME}.npz", f"{_NAME}.json"])
def test_a_missing_file_is_named(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(cli.InputError, match=missing):
        _load()


def _without(name):
    return lambda card: {key: value for key, value in card.items() if key != name}


@pytest.mark.parametrize(
    "change",
    [
        _without("sha256"),
        _without("config"),
        lambda card: card | {"sha256": "0" * 64},
        lambda card: card | {"config": {}},
        lambda card: card | {"config": None},
        lambda card: [card],
    ],
)
def test_a_card_of_other_weights_is_refused(folder, change):
    path = folder / f"{_NAME}.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(cli.InputError, match=_NAME):
        _load()


def test_weights_of_another_network_are_refused(folder):
    path = folder / f"{_NAME}.json"
    card = json.loads(path.read_text())
    card["config"]["network"]["channels"] += 1
    path.write_text(json.dumps(card))
    with pytest.raises(cli.InputError, match=_NAME):
        _load()


@pytest.mark.slow
def test_the_networks_that_come_with_the_project_beat_the_floor():
    """On a clip that is none of a camera, its blur estimated, adapted and not."""
    weights = shipped.network()
    assert sum(leaf.size for leaf in jax.tree.leaves(weights.params)) <= 1_000_000
    truth = small.clips(1, 7, 64)[0]
    lr = rows.degrade(truth, kernels.gaussian(2.0, 1.5, 0.5))
    kernel = estimators.load("network").estimate(lr).kernel
    adapted = weights.adapt(weights.params, lr, kernel, 2).params
    floor = metrics.psnr_y(np.asarray(rows.restore_trilinear(lr)), truth)
    for params in (weights.params, adapted):
        restored = np.stack(list(weights.restore(params, lr, kernel)))
        psnr = metrics.psnr_y(restored, truth)
        assert psnr[::2].mean() > floor[::2].mean() + 0.3
        assert psnr[1::2].mean() > floor[1::2].mean()
