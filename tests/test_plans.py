"""What `evaluate` reads from its flags, and what it refuses before it does anything."""

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver

from adavsr_jax import kernels, video
from experiments import cli, plans

RUN = "--weights=w"  # not there: what is refused is refused before it is looked for


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for name in ("a", "b"):
        video.write(folder / name, np.zeros((3, 16, 16, 3), np.uint8), 25)
    return folder


def _read(clips, *arguments):
    with flagsaver.flagsaver():
        flags.FLAGS(["evaluate", f"--clips={clips}", *arguments])
        return plans.read()


def test_what_is_named_twice_is_done_once_in_the_order_of_first_mention(clips):
    plan = _read(
        clips,
        "--rows=trilinear,trilinear",
        "--kernel_mode=bicubic,oracle,bicubic",
        "--protocols=zsm,all,zsm",
        "--steps=5,auto,05,0,auto",
    )
    assert plan.rows == ["trilinear"]
    assert plan.modes == ["bicubic", "oracle"]
    assert plan.protocols == ["zsm", "all"]
    assert plan.steps == [5, "auto", 0]


def test_kernels_are_named_as_in_the_file_or_as_their_own(clips, tmp_path):
    blur = np.asarray(kernels.disk(2.5))
    np.save(tmp_path / "lens.npy", blur)
    plan = _read(clips, f"--kernels=iso1.6,{tmp_path}/lens.npy")
    assert list(plan.kernels) == ["iso1.6", "lens.npy"]
    np.testing.assert_array_equal(plan.kernels["lens.npy"], blur)
    expected = kernels.gaussian(1.6, 1.6, 0)
    np.testing.assert_array_equal(plan.kernels["iso1.6"], expected)


def test_what_no_row_needs_is_not_loaded(clips):
    plan = _read(clips, "--weights=ours=nowhere,theirs=nowhere")
    assert plan.weights == {} and plan.rows == ["trilinear"]
    assert plan.estimator is None and plan.pristine is None
    assert plan.predictions == {} and plan.predictions_row is None


def test_predictions_are_a_row_of_their_folder_with_one_for_each_clip(
    clips, monkeypatch
):
    plan = _read(clips, f"--predictions={clips}", "--rows=")
    assert plan.rows == [] and plan.predictions_row == clips.name
    assert plan.predictions == {"a": clips / "a", "b": clips / "b"}
    monkeypatch.chdir(clips)
    assert _read(clips, "--predictions=.").predictions_row == clips.name


@pytest.mark.parametrize("name", ["recurrence", "spectrum"])
def test_an_estimator_that_learned_nothing_needs_no_weights(clips, name):
    plan = _read(clips, "--kernel_mode=estimated", f"--estimator={name}")
    assert plan.estimator.identity == name


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--clips=nowhere"], "--clips=nowhere: no such folder; expected --clips=DIR"),
        (["--clips=."], "holds no clips; expected --clips=DIR"),
        (["--clips="], "--clips is missing"),
        (["--lists=slow.txt"], "--lists=slow.txt"),
        (["--rows="], "--rows: nothing named"),
        (
            ["--rows=ours"],
            "'ours' is not known: choose of trilinear, shipped, shipped_b, or",
        ),
        (
            ["--rows=trilinear,theirs", RUN],
            "of trilinear, shipped, shipped_b, ours, or NAME/WAY",
        ),
        (["--rows=trilinear/scratch", RUN], "'trilinear/scratch' is not known"),
        (["--rows=ours/best", RUN], "a way of consistent, scratch, ssr_first"),
        (
            ["--rows=ours", "--weights=a=w"],
            "of trilinear, shipped, shipped_b, a, or NAME/WAY",
        ),
        (["--rows=ours", RUN], "no trained weights in w"),
        (["--rows=b/scratch", "--weights=a=v,b=w"], "no trained weights in w"),
        (["--rows=ours/scratch", RUN, "--steps=0,auto"], "--steps"),
        (["--weights=v,w"], "--weights=w: 'ours' cannot name this row"),
        (["--weights=a=v,a=w"], "--weights=a=w: 'a' cannot name this row"),
        (["--weights=trilinear=w"], "'trilinear' cannot name this row"),
        (["--weights=estimate=w"], "'estimate' cannot name this row"),
        (["--weights==w"], "'' cannot name this row"),
        (["--weights=a/b=w"], "'a/b' cannot name this row"),
        (["--kernel_mode=guessed"], "'guessed'; choose of oracle, estimated, bicubic"),
        (["--kernel_mode="], "--kernel_mode: nothing named"),
        (
            ["--kernel_mode=estimated", "--estimator_weights=nowhere"],
            "no trained weights in nowhere",
        ),
        (["--kernels=iso1.7"], "unknown kernel 'iso1.7'"),
        (["--kernels=nowhere.npy"], "nowhere.npy: no such kernel file"),
        (["--kernels=iso1.6,iso1.6"], "name each kernel once"),
        (["--kernels=v/lens.npy,w/lens.npy"], "name each kernel once"),
        (["--kernels="], "name each kernel once"),
        (["--protocols=some"], "'some'; choose of all, zsm"),
        (["--protocols="], "--protocols: nothing named"),
        (["--steps=0,-1"], "'-1' is not a number of steps, 0 or more, or auto"),
        (["--steps=2.5"], "'2.5' is not a number of steps"),
        (["--steps=Auto"], "'Auto' is not a number of steps"),
        (["--steps="], "--steps: nothing named"),
        (["--predictions=p", "--kernels=bicubic,iso1.6"], "--kernels names 2"),
        (["--predictions=nowhere"], "nowhere: holds no a"),
        (["--predictions=x/trilinear"], "named as one of --rows"),
        (["--predictions=x/ours", "--rows=ours", RUN], "named as one of --rows"),
        # Two rows are ours whether they are asked for or not.
        (["--predictions=x/trilinear", "--rows="], "x/trilinear: its row would be"),
        (["--predictions=x/estimate", "--rows="], "x/estimate: its row would be"),
        (["--pristine=nowhere.npz"], "nowhere.npz: no such file"),
        (["--pristine=nowhere"], "must end in .npz or .mat"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    clips, tmp_path, monkeypatch, arguments, complaint
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(cli.InputError) as error:
        _read(clips, *arguments)
    assert complaint in str(error.value)
    assert not list(tmp_path.iterdir())
