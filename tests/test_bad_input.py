"""Bad input, and being stopped, as a person meets them: one line, nothing broken."""

import io
import json
import os
import pathlib
import signal
import subprocess
import sys

import commands
import jax
import numpy as np
import pytest
from PIL import Image

from adavsr_jax import kernels, sharding
from experiments import build, checks, cli, estimators, streaming, trained
from experiments.configs import demo

_ROOT = pathlib.Path(__file__).parent.parent
_TINY = {
    "network.tsr_channels": 3,
    "network.ssr_channels": 3,
    "network.tsr_blocks": 1,
    "network.ssr_blocks": 1,
    "data.rendered_clips": 2,
    "data.frames": 3,
    "large_scale.batch": 1,
    "large_scale.patch": 16,
    "inner.steps": 1,
    "meta.steps": 0,
    "meta.batch": 1,
    "meta.patch": 32,
    "meta.query_size": 4,
    "run.validation_clips": 1,
    "run.save_every_steps": 10**6,
}


def _config(**changes):
    config = demo.get_config()
    config.update_from_flattened_dict(_TINY | changes)
    return config


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"run.save_every_steps": 0}, "run.save_every_steps must be 1 or more; got 0"),
        ({"large_scale.steps": -1}, "large_scale.steps must be 0 or more; got -1"),
        ({"large_scale.steps": 0}, "both 0"),
        ({"data.frames": 6}, "data.frames must be odd"),
        ({"network.ssr_design": "deep"}, "one of single, window, shift, recurrent"),
        (
            {"large_scale.modules": ("ssr",), "large_scale.joint_from": 0.5},
            "joint_from must be 1.0 (never) where large_scale.modules names one",
        ),
        ({"meta.patch": 72}, "meta.patch must be a multiple of 16, as 80; got 72"),
        ({"meta.query_size": 9}, "at most 8, a quarter of config.meta.patch"),
        ({"meta.learning_rate": float("nan")}, "must be above 0; got nan"),
        ({"degradation.relation": "same"}, "one of matched, independent, jitter"),
        ({"data.weights": (0.5, 0.5)}, "each of 1 source"),
    ],
)
def test_a_config_is_refused_by_the_name_of_its_field(changes, words):
    checks.check(_config())
    with pytest.raises(cli.InputError, match="^config.") as caught:
        checks.check(_config(**changes))
    assert words in str(caught.value)


def test_more_devices_than_the_batch_is_a_multiple_of():
    mesh = sharding.mesh(jax.devices()[:3])
    config = _config(**{"large_scale.batch": 4})
    with pytest.raises(cli.InputError, match=r"batch \(4\).*devices \(3\), as 6"):
        build.phases(config, mesh)


def test_a_phase_of_no_steps_asks_nothing_of_the_devices():
    mesh = sharding.mesh(jax.devices()[:4])
    config = _config(**{"large_scale.batch": 4, "meta.batch": 3})
    (phase,) = build.phases(config, mesh)
    assert phase.name == "large_scale"


_PARSE = """
import sys
from absl import flags
from ml_collections import config_flags
from experiments import cli, overrides
config_flags.DEFINE_config_file("config")
for arguments in sys.argv[1:]:
    sys.argv = ["command", *arguments.split()]
    try:
        overrides.parse(sys.argv)
    except cli.InputError as error:
        print(error)
"""


def test_overrides_are_refused_with_the_way_out(tmp_path):
    (tmp_path / "broken.py").write_text("def get_config(:\n")
    config = f"--config={_ROOT}/experiments/configs/demo.py"
    told = {
        f"{config} --config.inner.stepz=3": "did you mean 'steps'?",
        f"{config} --config.iner.steps=3": "did you mean 'inner'?",
        f"{config} --config.steps=3": "it has: data, degradation,",
        f"{config} --config.inner.steps=2.5": "must be a whole number, as 5; got '2.5'",
        f"{config} --config.data.train[0]=a:train": "train=\"('a', 'b')\"",
        "--config=nowhere.py": "no config file can be read there",
        f"--config={tmp_path}/broken.py": "SyntaxError",
    }
    done = subprocess.run(
        [sys.executable, "-c", _PARSE, *told],
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(told)
    for line, (arguments, words) in zip(lines, told.items(), strict=True):
        assert line.startswith(arguments.split()[-1].split("=3")[0].split("=2")[0])
        assert words in line


@pytest.mark.parametrize(
    "text, words",
    [
        (None, "config.json is missing"),
        ('{"data', "is not the config of a run"),
        ('{"data": {}}', "config.data.frames is missing"),
        (json.dumps(_config().to_dict()), "has no checkpoint yet"),
    ],
)
def test_weights_that_are_none(tmp_path, text, words):
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    before = list(tmp_path.iterdir())
    with pytest.raises(cli.InputError, match=words):
        trained.load(tmp_path)
    assert list(tmp_path.iterdir()) == before


def test_frames_too_small_to_learn_from_are_restored_as_they_are(tmp_path):
    config = _config()
    params = build.initial_state(config).params
    weights = trained.Trained(params, 0, trained.digest(params), config)
    (tmp_path / "in").mkdir()
    for name in "ab":
        Image.fromarray(np.full((3, 7, 3), 90, np.uint8)).save(
            tmp_path / f"in/{name}.png"
        )
    told = io.StringIO()
    blur = estimators.known(np.asarray(kernels.bicubic()), "known")
    request = streaming.Request(tmp_path / "in", tmp_path / "out", steps=2)
    assert streaming.restore(request, weights, blur, told) == 3
    assert "not adapted, its frames are below 4 x 4" in told.getvalue()


@pytest.mark.slow
def test_the_input_is_never_overwritten(tmp_path):
    frame = tmp_path / "000000.png"
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(frame)
    before = frame.read_bytes()
    flags = [f"--input={tmp_path}", f"--output={tmp_path}", "--weights=w"]
    command = commands.start("experiments.super_resolve", *flags, "--overwrite")
    told = command.communicate()[1]
    assert command.returncode == 2
    assert told.count("\n") == 1 and "is the input, which would be lost" in told
    assert frame.read_bytes() == before


@pytest.mark.slow
def test_a_stopped_build_leaves_nothing(tmp_path):
    (tmp_path / "stills").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "stills/noise.png")
    command = commands.start(
        "data_prep.build_shards",
        "--dataset=photos",
        f"--source={tmp_path}/stills",
        f"--output={tmp_path}/shards",
        "--size=64",
        "--clips_per_photo=1000000",
    )
    assert "looking through" in command.stdout.readline()
    assert "1000000 clips" in command.stdout.readline()
    command.send_signal(signal.SIGTERM)
    told = command.communicate()[1]
    assert (command.returncode, told) == (75, "interrupted: nothing was written\n")
    assert [path.name for path in tmp_path.iterdir()] == ["stills"]


@pytest.mark.slow
def test_a_stopped_training_saves_what_it_has_at_once(tmp_path):
    flags = [
        f"--config={_ROOT}/experiments/configs/demo.py",
        f"--workdir={tmp_path}/run",
        *(f"--config.{name}={value}" for name, value in _TINY.items()),
    ]
    command = commands.start(
        "experiments.meta_train", *flags, "--config.large_scale.steps=1000000"
    )
    for line in command.stdout:
        if line.startswith("step 1 "):
            break
    command.send_signal(signal.SIGINT)
    told = command.communicate()[1]
    assert (command.returncode, told.count("\n")) == (75, 1)
    assert told.startswith("interrupted: ")
    (saved,) = (tmp_path / "run/checkpoints").iterdir()
    weights = trained.load(tmp_path / "run")
    assert weights.step == int(saved.name) > 0


@pytest.mark.slow
def test_a_stopped_demo_lets_its_training_save(tmp_path):
    command = commands.start("experiments.demo", f"--workdir={tmp_path}")
    for line in command.stdout:
        if line.startswith("step 1 "):
            break
    command.send_signal(signal.SIGTERM)
    assert command.communicate()[1].startswith("interrupted: ")
    assert command.returncode == 75
    (saved,) = (tmp_path / "checkpoints").iterdir()
    assert int(saved.name) > 0
