import importlib.util
import pathlib
import pickle
import sys

import numpy as np
import pytest
import scipy.io
import scipy.ndimage
from goldens import niqe as recipe

from adavsr_jax import niqe
from experiments import cli, pristine

GOLDEN = pathlib.Path(recipe.__file__).with_suffix(".npz")
BLOCK = niqe.BLOCK
# Where 18 features of one scale go when the picture is mirrored or transposed.
ALONE, LEFT, ABOVE, ABOVE_LEFT, ABOVE_RIGHT = np.split(np.arange(18), [2, 6, 10, 14])
MIRRORED = np.concatenate([ALONE, LEFT, ABOVE, ABOVE_RIGHT, ABOVE_LEFT])
TRANSPOSED = np.concatenate([ALONE, ABOVE, LEFT, ABOVE_LEFT, ABOVE_RIGHT])


def _golden():
    with np.load(GOLDEN) as golden:
        given = niqe.check_pristine(golden["mean"], golden["covariance"], "golden")
        return given, golden["scores"]


def _noise(seed, rows=2, columns=3):
    """One frame of white noise, a little blurred: uint8 `[96 rows, 96 columns, 3]`."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((BLOCK * rows, BLOCK * columns, 3))
    smooth = scipy.ndimage.gaussian_filter(noise, (1, 1, 0))
    return np.clip(128 + 150 * smooth, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0, 5.0])
def test_fit_recovers_what_samples_were_drawn_from(shape):
    rng = np.random.default_rng(0)
    left, right = np.array([[1.0], [0.3]]), np.array([[1.0], [0.7]])
    size = rng.gamma(1 / shape, size=(2, 400_000)) ** (1 / shape)
    negative = rng.random(size.shape) < left / (left + right)
    found = niqe.fit(np.where(negative, -left * size, right * size))
    expected = np.full(2, shape), left[:, 0], right[:, 0]
    np.testing.assert_allclose(found, expected, rtol=0.03)


def test_fit_of_one_side_or_none_has_no_scale_there():
    values = np.array([[1.0, 2.0, 0.0], [-1.0, -2.0, 0.0], [0.0, 0.0, 0.0]])
    shape, left, right = niqe.fit(values)
    np.testing.assert_array_equal(shape, 0.2)
    np.testing.assert_array_equal(np.isnan(left), [True, False, True])
    np.testing.assert_array_equal(np.isnan(right), [False, True, True])


def test_features_know_left_from_right_and_across_from_down():
    frame = _noise(0)
    blocks = niqe.features(frame).reshape(2, 3, 2, 18)
    mirrored = niqe.features(frame[:, ::-1]).reshape(2, 3, 2, 18)[:, ::-1]
    turned = niqe.features(frame.swapaxes(0, 1)).reshape(3, 2, 2, 18).swapaxes(0, 1)
    # Shapes are multiples of 0.001, and rounding may move one to the next.
    close = lambda found: np.testing.assert_allclose(found, blocks, atol=3e-3)
    close(mirrored[..., MIRRORED])
    close(turned[..., TRANSPOSED])
    with pytest.raises(AssertionError):
        close(turned)


def test_a_picture_is_as_far_as_its_features():
    frame = _noise(0, 6, 7)
    rows = niqe.features(frame)
    mean, covariance = rows.mean(axis=0), np.cov(rows, rowvar=False)
    values, vectors = np.linalg.eigh(covariance)
    far = mean + 3 * np.sqrt(values[-1]) * vectors[:, -1]
    for centre, distance in ((mean, 0), (far, 3)):
        found = niqe.niqe(frame[None], niqe.Pristine(centre, covariance))
        np.testing.assert_allclose(found, [distance], atol=1e-6)


def test_noise_and_blur_raise_the_score():
    given, _ = _golden()
    rng = np.random.default_rng(5)
    frame = recipe.draw(rng)
    noisy = frame + rng.normal(0, 12, frame.shape)
    blurred = scipy.ndimage.gaussian_filter(frame, (1.5, 1.5, 0))
    frames = np.clip(np.stack([frame, noisy, blurred]), 0, 255).astype(np.uint8)
    plain, *worse = niqe.niqe(frames, given)
    assert plain < 3
    assert min(worse) > 2 * plain


def test_what_is_beyond_the_last_whole_block_does_not_count():
    given, _ = _golden()
    wide = np.pad(_noise(0), ((0, BLOCK - 1), (0, 5), (0, 0)))
    np.testing.assert_array_equal(
        niqe.niqe(wide[None], given), niqe.niqe(_noise(0)[None], given)
    )


def test_a_flat_frame_scores_nan_and_spoils_no_other():
    given, _ = _golden()
    frames = np.stack([np.zeros_like(_noise(0)), _noise(0), np.full_like(_noise(0), 9)])
    found = niqe.niqe(frames, given)
    np.testing.assert_array_equal(np.isnan(found), [True, False, True])
    frames[:, :, BLOCK:] = 0
    frames[:, BLOCK:] = 0
    assert np.isnan(niqe.niqe(frames, given)).all()  # of one block at most


def test_scores_are_those_of_basicsr():
    given, expected = _golden()
    np.testing.assert_allclose(niqe.niqe(recipe.scored(), given), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.zeros((96, 192, 3), np.uint8), r"uint8 \[T, H, W, 3\].*\(96, 192, 3\)"),
        (np.zeros((1, 96, 192, 1), np.uint8), r"got uint8 \(1, 96, 192, 1\)"),
        (np.zeros((1, 96, 192, 3), np.float32), "got float32"),
        (np.zeros((1, 95, 400, 3), np.uint8), "96 x 192 pixels.*got 95 x 400"),
        (np.zeros((1, 191, 191, 3), np.uint8), "two blocks.*got 191 x 191"),
    ],
)
def test_frames_that_cannot_be_scored_are_refused(frames, message):
    with pytest.raises(ValueError, match=message):
        niqe.niqe(frames, _golden()[0])


# The parameters that a person brings.


def _save(path, mean, covariance):
    """In the format that the name asks for, with the names of the published file."""
    if path.suffix == ".npz":
        np.savez(
            path,
            mu_pris_param=mean,
            cov_pris_param=covariance,
            gaussian_window=np.ones((7, 7)),
        )
    else:
        arrays = {"mu_prisparam": mean, "cov_prisparam": covariance}
        scipy.io.savemat(path, arrays)


@pytest.mark.parametrize("name", ["a.npz", "a.mat"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_published_formats_are_read(tmp_path, name, dtype):
    mean, covariance = (array.astype(dtype) for array in _golden()[0])
    _save(tmp_path / name, mean[None], covariance)
    found = pristine.load(str(tmp_path / name))
    np.testing.assert_array_equal(found.mean, mean)
    np.testing.assert_array_equal(found.covariance, covariance)
    assert found.mean.dtype == found.covariance.dtype == np.float64


def test_an_installed_basicsr_is_found_and_not_imported(tmp_path, monkeypatch):
    given, _ = _golden()
    package = tmp_path / "basicsr"
    (package / "metrics").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert pristine.load(None) is None
    _save(package / "metrics" / "niqe_pris_params.npz", *given)
    np.testing.assert_array_equal(pristine.load(None).mean, given.mean)
    assert "basicsr" not in sys.modules


def test_nothing_installed_is_no_error(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert pristine.load(None) is None


def _pickled(path):
    path.write_bytes(pickle.dumps({"mu_pris_param": 1}))


def _objects(path):
    _save(path, np.array([None] * 36), np.eye(36))


def _one_array(path):
    with path.open("wb") as file:
        np.save(file, np.eye(36))


def _cut(path):
    _save(path, *_golden()[0])
    path.write_bytes(path.read_bytes()[:-400])


def _other_names(path):
    if path.suffix == ".npz":
        np.savez(path, pop_mu=np.ones(36), pop_cov=np.eye(36))
    else:
        scipy.io.savemat(path, {"pop_mu": np.ones(36), "pop_cov": np.eye(36)})


def _of(mean, covariance):
    return lambda path: _save(path, mean, covariance)


@pytest.mark.parametrize(
    ("make", "name", "message"),
    [
        (_pickled, "a.pkl", "must end in .npz or .mat"),
        (lambda path: None, "a.npz", "no such file"),
        (_pickled, "a.npz", "cannot be read as a .npz file.*pickle"),
        (_objects, "a.npz", "cannot be read as a .npz file.*allow_pickle"),
        (_one_array, "a.npz", "it is a .npy file"),
        (_pickled, "a.mat", "cannot be read as a .mat file"),
        (_cut, "a.npz", "cannot be read as a .npz file"),
        (_cut, "a.mat", "cannot be read as a .mat file"),
        (_other_names, "a.npz", "found no mu_pris_param and no cov_pris_param"),
        (_other_names, "a.mat", "found no mu_prisparam and no cov_prisparam"),
        (_of(np.ones(18), np.eye(36)), "a.npz", r"mean of shape \(18,\)"),
        (_of(np.ones(36), np.eye(18)), "a.mat", r"covariance of shape \(18, 18\)"),
        (_of(np.ones(36), np.full((36, 36), np.nan)), "a.mat", "not finite"),
        (_of(np.ones(36) * 1j, np.eye(36)), "a.npz", "dtypes complex128"),
        (_of(np.ones(36), np.eye(36, k=1)), "a.npz", "not symmetric"),
        (_of(np.ones(36), -np.eye(36)), "a.npz", "eigenvalue below zero"),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path, make, name, message):
    path = tmp_path / name
    make(path)
    with pytest.raises(cli.InputError, match=message) as caught:
        pristine.load(str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).endswith("modelparameters.mat")
