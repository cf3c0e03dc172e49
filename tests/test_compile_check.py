"""Weak scaling, as the compiler tells it: a device's work and what it sends."""

import commands
import jax
import pytest

from adavsr_jax import sharding
from experiments import build, compiled_step, interconnects
from experiments.configs import demo

TASKS = 2  # on each device
TINY = {
    "network.tsr_channels": 3,
    "network.tsr_blocks": 1,
    "network.ssr_channels": 4,
    "network.ssr_blocks": 1,
    "large_scale.patch": 32,
    "meta.patch": 48,
    "meta.query_size": 6,
    "inner.steps": 2,
}


def _facts(name, devices, **more):
    config = demo.get_config()
    config.update_from_flattened_dict(TINY | more)
    config.large_scale.batch = config.meta.batch = TASKS * devices
    mesh = sharding.mesh(jax.devices()[:devices])
    (phase,) = [p for p in build.phases(config, mesh) if p.name == name]
    return compiled_step.facts(config, phase, mesh)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["large_scale", "meta"])
def test_a_device_does_the_same_work_however_many_there_are(name):
    """And one all-reduce of gradients, metrics and losses is all that is sent."""
    alone, *others = (_facts(name, devices) for devices in (1, 2, 8))
    for found in others:
        assert found["flops"] == pytest.approx(alone["flops"], rel=0.02)
        # A program for one device is not partitioned, and XLA fuses it otherwise.
        once = others[0]["flops_bodies_once"]
        assert found["flops_bodies_once"] == pytest.approx(once, rel=0.02)
        assert found["parameter_bytes"] == alone["parameter_bytes"]
        (sent,) = found["collectives"]
        assert sent["kind"] == "all-reduce"
        assert sent["in_entry"]
        assert sent["bytes"] == found["expected_bytes"]
        # Metrics and support losses: K numbers a task.
        few = 4 * (8 + 2 * TASKS * found["devices"])
        assert 0 < sent["bytes"] - found["parameter_bytes"] <= few


@pytest.mark.slow
def test_operations_are_those_of_all_tasks_and_steps_either_way_over_tasks():
    one_by_one = _facts("meta", 2, **{"outer.over_tasks": "scan"})
    at_once = _facts("meta", 2, **{"outer.over_tasks": "vmap"})
    assert at_once["flops"] == pytest.approx(one_by_one["flops"], rel=0.02)
    # XLA counts a loop's body once.
    assert one_by_one["flops_bodies_once"] < one_by_one["flops"] / 2


def test_collectives_are_found_where_they_stand():
    text = """
%body (x: f32[2]) -> f32[2] {
  %all-gather.1 = f32[8]{0} all-gather(%x), dimensions={0}
}

ENTRY %main (x: f32[2]) -> f32[2] {
  %all-reduce.3 = (f32[3,3]{1,0}, /*index=1*/bf16[], pred[5]{0}) all-reduce(%a, %b)
  ROOT %fusion = f32[2]{0} fusion(%all-reduce.3), calls=%all-reduce(
}
"""
    assert compiled_step.collectives(text) == [
        {"kind": "all-gather", "bytes": 32, "in_entry": False},
        {"kind": "all-reduce", "bytes": 36 + 2 + 5, "in_entry": True},
    ]


def test_predictions_are_those_of_the_formula():
    link = interconnects.Interconnect("slow", 1000.0, 0.5, 100.0, 0.01)
    told = interconnects.predict(link, flops=500.0, size=200.0, devices=4)
    assert told["compute_seconds"] == pytest.approx(1.0)
    assert told["communication_seconds"] == pytest.approx(1.5 * 2.0 + 6 * 0.01)
    assert told["efficiency"] == pytest.approx(1 / 4.06)
    one = interconnects.predict(link, flops=500.0, size=200.0, devices=1)
    assert one["efficiency"] == 1


@pytest.mark.parametrize("devices", ["0", "8,x", "8,,9", "5000"])
def test_what_is_no_number_of_devices_is_refused(devices):
    done = commands.run(
        "experiments.compile_check",
        "--config=experiments/configs/demo.py",
        f"--devices={devices}",
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "8,64,256" in done.stderr


@pytest.mark.slow
def test_the_command_tells_each_phase(tmp_path):
    flags = [f"--config.{name}={value}" for name, value in TINY.items()]
    done = commands.run(
        "experiments.compile_check",
        "--config=experiments/configs/demo.py",
        "--devices=2",
        f"--output={tmp_path / 'found.json'}",
        "--config.meta.steps=0",
        *flags,
    )
    assert done.returncode == 0, done.stderr
    assert "large_scale, 2 devices" in done.stdout
    assert "PASS  sent between devices: all-reduce," in done.stdout
    assert done.stdout.count("predicted, ") == len(interconnects.KNOWN)
    assert '"commit"' in (tmp_path / "found.json").read_text()
