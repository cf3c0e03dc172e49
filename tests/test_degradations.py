import numpy as np
import pytest

from adavsr_jax import kernels
from experiments import cli, degradations


def test_every_named_kernel_is_one():
    assert len(degradations.names()) == 16
    for name in degradations.names():
        kernel = degradations.load_kernel(name)
        np.testing.assert_array_equal(kernels.check(kernel, name), kernel)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bicubic", kernels.bicubic()),
        ("iso1.6", kernels.gaussian(1.6, 1.6, 0)),
        ("aniso3.2-1.2@90", kernels.gaussian(3.2, 1.2, np.pi / 2)),
        ("motion9@30", kernels.motion(9, np.pi / 6)),
        ("disk3", kernels.disk(3)),
        ("irregular", kernels.irregular(2.4, 1.6, np.pi / 3, 0)),
    ],
)
def test_names_say_their_parameters(name, expected):
    np.testing.assert_array_equal(degradations.load_kernel(name), expected)


def test_gaussian_names_and_parameters_agree():
    for name in degradations.names():
        kernel = degradations.load_kernel(name)
        if name.startswith("iso"):
            sigma = float(name.removeprefix("iso"))
            expected = kernels.gaussian(sigma, sigma, 0)
        elif name.startswith("aniso"):
            sigmas, degrees = name.removeprefix("aniso").split("@")
            s1, s2 = map(float, sigmas.split("-"))
            expected = kernels.gaussian(s1, s2, np.deg2rad(float(degrees)))
        else:
            continue
        np.testing.assert_array_equal(kernel, expected)


def test_a_file_comes_back(tmp_path):
    path = tmp_path / "k.npy"
    np.save(path, np.asarray(kernels.disk(2), np.float64))
    np.testing.assert_array_equal(degradations.load_kernel(str(path)), kernels.disk(2))


def test_an_unknown_name_lists_the_known():
    with pytest.raises(cli.InputError, match=r"'iso9'.*bicubic, iso0\.8.*irregular"):
        degradations.load_kernel("iso9")


def _truncated(path):
    np.save(path, np.ones((20, 20)))
    path.write_bytes(path.read_bytes()[:-100])


def _several(path):
    with open(path, "wb") as file:
        np.savez(file, a=np.ones(3))


@pytest.mark.parametrize(
    ("write", "complaint"),
    [
        (lambda path: None, "no such kernel file"),
        (lambda path: path.write_text("hello"), "cannot be read as a .npy file"),
        (lambda path: path.write_bytes(b""), "cannot be read as a .npy file"),
        (_truncated, "cannot be read as a .npy file"),
        (
            lambda path: np.save(path, np.array([{}]), allow_pickle=True),
            "cannot be read as a .npy file",
        ),
        (_several, "several arrays"),
        (lambda path: np.save(path, np.ones((20, 20))), "sum 400"),
    ],
    ids=["missing", "text", "empty", "truncated", "pickled", "several", "sum"],
)
def test_other_files_are_refused(tmp_path, write, complaint):
    path = tmp_path / "k.npy"
    write(path)
    with pytest.raises(ValueError, match=complaint) as error:
        degradations.load_kernel(str(path))
    assert "k.npy" in str(error.value)
