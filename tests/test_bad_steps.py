"""Steps that are not finite: what stops the run says which loss, task and blur."""

import functools
import json

import commands
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import small

from adavsr_jax import kernels, meta_step, sharding, tasks
from experiments import bad_steps, build, estimators

_TASKS, _BAD, _K = 4, 2, 3
_KEY = jax.random.key(5)


def _phase(loss):
    blur = functools.partial(tasks.of_task, generator=small.generator())
    return build.Phase(
        "meta", 10, 20, "", optax.sgd(1.0), None, [(1.0, loss)], blur, None
    )


def _state(bad):
    state = meta_step.init({"w": jnp.ones(3)}, optax.sgd(1.0))
    return sharding.replicate(
        state._replace(step=jnp.int32(13), bad=jnp.array(bad, jnp.int32)),
        sharding.mesh(jax.devices()[:1]),
    )


def _told(where, bad=(5, 3)):
    def loss(params, clip, key, progress):
        wrong = jnp.where(clip.mean() > 0, jnp.nan, 0.0)
        inner = jnp.zeros(_K).at[1:].add(wrong if where == "inner" else 0.0)
        value = params["w"].sum() + (wrong if where == "outer" else 0.0)
        return value, ({"loss": value}, inner)

    clips = np.zeros((_TASKS, 3, 4, 4, 3), np.uint8)
    clips[_BAD] = 1
    mesh = sharding.mesh(jax.devices()[:1])
    key = sharding.replicate(_KEY, mesh)
    return bad_steps.told(_phase(loss), _state(bad), clips, key)


@pytest.mark.parametrize(
    ("where", "what"),
    [("inner", "the inner loss at inner step 1"), ("outer", "the loss")],
)
def test_loss_task_and_blur_are_named(where, what):
    line = _told(where)
    key = sharding.task_keys(_KEY, 12, _TASKS)[_BAD]
    drawn = tasks.sample(jax.random.split(key, 4)[0], small.generator())
    blur = estimators.describe(np.asarray(kernels.from_parameters(drawn.blur)))
    assert line.startswith("step 13: 3 steps in a row were not finite")
    assert f"(5 in all); {what} of task {_BAD} is not, its blur is {blur}" in line


def test_where_no_loss_is_to_blame_it_says_so():
    line = _told("nowhere", bad=(3, 3))
    assert "in all" not in line
    assert "no loss of a task of this process is" in line


def test_the_blur_of_a_task_is_the_one_that_it_was_made_with():
    clip, generator = small.clips(1)[0], small.generator()
    for make, told in (
        (lambda key: tasks.make(key, clip, generator).query.kernel, tasks.of_task),
        (
            lambda key: tasks.pretraining(key, clip, generator)[0].kernel,
            tasks.of_pretraining,
        ),
    ):
        drawn = told(_KEY, generator)
        np.testing.assert_array_equal(make(_KEY), kernels.from_parameters(drawn.blur))


@pytest.mark.slow
def test_a_run_that_diverges_stops_with_a_line_and_keeps_its_checkpoint(tmp_path):
    done = commands.run(
        "experiments.meta_train",
        f"--workdir={tmp_path}",
        *commands.TINY,
        "--config.data.rendered_clips=4",
        "--config.large_scale.steps=2",
        "--config.large_scale.batch=2",
        "--config.meta.steps=50",
        "--config.meta.batch=2",
        "--config.inner.steps=3",
        "--config.inner.ssr_step_size=1e30",
        "--config.internal.steps=0",
        "--config.run.log_every_steps=2",
        "--config.run.save_every_steps=2",
        "--config.run.max_bad_steps=4",
    )
    assert done.returncode == 2
    (line,) = [x for x in done.stderr.splitlines() if x.startswith("error:")]
    assert "step 6: 4 steps in a row were not finite and were left out" in line
    assert "the inner loss at inner step 1 of task 0 is not, its blur is" in line
    records = [
        json.loads(line)
        for line in (tmp_path / "metrics.jsonl").read_text().splitlines()
    ]
    skipped = {record["step"]: record.get("skipped") for record in records}
    assert skipped[6] == 4
    assert (tmp_path / "checkpoints" / "4").is_dir()
