"""The launchers: the same three variables, the same command, and status 75 again."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import jobset_fields
import pytest
import yaml

from experiments import clusters

ROOT = pathlib.Path(__file__).parent.parent
LAUNCH = ROOT / "experiments" / "launch"
SCRIPTS = sorted(LAUNCH.glob("*.sh"))
JOBSETS = sorted(LAUNCH.glob("*.yaml"))
VARIABLES = ["CONFIG", "RUNTIME", "WORKDIR"]
VALUES = {
    "CONFIG": "experiments/configs/vimeo.py",
    "WORKDIR": "/shared/runs/v 1",
    "RUNTIME": "a/b:1",
}
COMMAND = [
    "-m",
    "experiments.meta_train",
    f"--config={VALUES['CONFIG']}",
    f"--workdir={VALUES['WORKDIR']}",
]
every_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
every_jobset = pytest.mark.parametrize("path", JOBSETS, ids=lambda path: path.name)
# Notes its arguments, a line each time, and ends with the next of the statuses.
_PYTHON = """#!/usr/bin/env bash
echo "${SRUN_CPUS_PER_TASK:-}" > cores
printf '%s\\t' "$@" >> calls; echo >> calls
status=$(head -n 1 statuses)
tail -n +2 statuses > rest && mv rest statuses
if [ "$status" = signalled ]; then kill -TERM "$PPID"; exit 75; fi
exit "$status"
"""


def _jobset(path):
    fill = lambda match: VALUES[match[1]]  # as envsubst does
    return yaml.safe_load(re.sub(r"\$\{(\w+)\}", fill, path.read_text()))


def _start(script, folder, statuses, *more, **variables):
    """Runs a script with a Python that ends so, one status a call; what it called."""
    tools = {
        "python": _PYTHON,
        "srun": '#!/usr/bin/env bash\nshift\nexec "$@"\n',
        "scontrol": '#!/usr/bin/env bash\necho "scontrol $*" >> calls\n',
    }
    (folder / "bin").mkdir()
    for name, text in tools.items():
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    (folder / "statuses").write_text("".join(f"{status}\n" for status in statuses))
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    given = VALUES | {"RUNTIME": str(folder), "SLURM_JOB_ID": "7"} | variables
    done = subprocess.run(
        [script, *more],
        cwd=folder,
        env=os.environ | given | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    calls = folder / "calls"
    lines = calls.read_text().splitlines() if calls.exists() else []
    return done, [line.rstrip("\t").split("\t") for line in lines]


@pytest.mark.parametrize("path", SCRIPTS + JOBSETS, ids=lambda path: path.name)
def test_three_variables_and_the_same_three(path):
    text = path.read_text()
    head = text.split("\n\n", 1)[0] if path in SCRIPTS else text
    for name in VARIABLES:
        assert re.search(rf"\b{name}=\S", head), f"how to set {name}"
        assert f"# {name}: " in text or f". {name}: " in text.replace("\n# ", " ")
    asked = re.findall(r"\$\{(\w+):\?", text) if path in SCRIPTS else []
    filled = re.findall(r"\$\{(\w+)\}", text) if path in JOBSETS else []
    assert sorted(asked or filled) == VARIABLES


def test_the_page_has_each_launcher_and_variable():
    page = (LAUNCH / "README.md").read_text()
    for word in [path.name for path in SCRIPTS + JOBSETS] + VARIABLES:
        assert f"`{word}`" in page


@every_script
def test_a_missing_variable_is_named_and_nothing_starts(script, tmp_path):
    done, calls = _start(script, tmp_path, [0], WORKDIR="")
    assert done.returncode != 0 and "WORKDIR" in done.stderr
    assert calls == []


@every_script
def test_scripts_can_be_read_by_bash_and_please_shellcheck(script):
    subprocess.run(["bash", "-n", script], check=True)
    assert os.access(script, os.X_OK)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", script], check=True)


def test_the_command_is_one_that_training_takes():
    parse = (
        "import sys; from experiments import meta_train, overrides; "
        "print(overrides.parse(sys.argv)[1:])"
    )
    arguments = [*COMMAND[2:], "--config.meta.steps=3"]
    done = subprocess.run(
        [sys.executable, "-c", parse, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


@every_script
def test_a_script_starts_it_with_what_is_given_beside(script, tmp_path):
    done, calls = _start(script, tmp_path, [0], "--config.meta.steps=3")
    assert done.returncode == 0, done.stderr
    assert calls == [[*COMMAND, "--config.meta.steps=3"]]


@every_script
@pytest.mark.parametrize("status", [1, 2, 134])
def test_a_script_ends_as_training_does(script, status, tmp_path):
    done, calls = _start(script, tmp_path, [status])
    assert done.returncode == status
    assert calls == [COMMAND]


def test_slurm_has_the_job_again_after_75(tmp_path):
    done, calls = _start(LAUNCH / "slurm.sh", tmp_path, [75])
    assert done.returncode == 75
    assert calls == [COMMAND, ["scontrol requeue 7"]]


def test_slurm_script_outlives_a_signal_and_has_the_job_again(tmp_path):
    # The script is told as well where a scheduler tells all processes of a job.
    done, calls = _start(LAUNCH / "slurm.sh", tmp_path, ["signalled"])
    assert done.returncode == 75
    assert calls == [COMMAND, ["scontrol requeue 7"]]


@pytest.mark.parametrize(
    "given, cores", [({"SLURM_CPUS_PER_TASK": "8"}, "8"), ({}, "1")]
)
def test_slurm_gives_a_process_the_cores_of_its_task(given, cores, tmp_path):
    # srun of SLURM 22.05 and later looks at a variable that sbatch does not set.
    done, _ = _start(LAUNCH / "slurm.sh", tmp_path, [0], **given)
    assert done.returncode == 0
    assert (tmp_path / "cores").read_text() == f"{cores}\n"


def test_slurm_warns_before_the_end_and_may_requeue():
    options = re.findall(r"(?m)^#SBATCH (\S+)$", (LAUNCH / "slurm.sh").read_text())
    assert {"--signal=TERM@120", "--requeue", "--open-mode=append"} <= set(options)


def test_tpu_vm_starts_again_after_75_alone(tmp_path):
    done, calls = _start(LAUNCH / "tpu_vm.sh", tmp_path, [75, 75, 0])
    assert done.returncode == 0
    assert calls == [COMMAND] * 3


def test_tpu_vm_that_is_told_to_stop_does_not_start_again(tmp_path):
    done, calls = _start(LAUNCH / "tpu_vm.sh", tmp_path, ["signalled", 0])
    assert done.returncode == 75
    assert calls == [COMMAND]


@every_jobset
def test_jobset_has_known_fields_only(path):
    assert jobset_fields.faults(_jobset(path), jobset_fields.JOBSET) == []


@every_jobset
def test_jobset_runs_training_itself_so_that_signals_reach_it(path):
    _, pod = _job_and_pod(path)
    (container,) = pod["containers"]
    assert [*container["command"][1:], *container["args"]] == COMMAND
    assert container["command"][0] == "python"  # and no shell around it
    assert container["image"] == VALUES["RUNTIME"]
    assert pod["terminationGracePeriodSeconds"] == 120


@every_jobset
def test_jobset_starts_anew_after_75_as_often_as_it_takes(path):
    spec = _jobset(path)["spec"]
    job, pod = _job_and_pod(path)
    (rule,) = spec["failurePolicy"]["rules"]
    assert rule["action"] == "RestartJobSetAndIgnoreMaxRestarts"
    # The reason that a job of a rule FailJob has failed for.
    assert rule["onJobFailureReasons"] == ["PodFailurePolicy"]
    exit_codes, gone = job["podFailurePolicy"]["rules"]
    assert exit_codes["onExitCodes"]["values"] == [75]
    assert exit_codes["onExitCodes"]["containerName"] == pod["containers"][0]["name"]
    assert gone["onPodConditions"][0]["type"] == "DisruptionTarget"
    assert {exit_codes["action"], gone["action"]} == {"FailJob"}
    assert job["backoffLimit"] == 0


def test_gpu_jobset_tells_processes_who_they_are():
    job, pod = _job_and_pod(LAUNCH / "jobset_gpu.yaml")
    env = {entry["name"]: entry for entry in pod["containers"][0]["env"]}
    named = {name for name in env if name.startswith("JAX_")}
    assert named == {clusters._ADDRESS, clusters._COUNT, clusters._INDEX}
    assert env["JAX_NUM_PROCESSES"]["value"] == str(job["completions"])
    assert env["JAX_COORDINATOR_ADDRESS"]["value"].startswith("$(COORDINATOR):")
    # Kubernetes fills in $(NAME) of what stands before.
    assert list(env).index("COORDINATOR") < list(env).index("JAX_COORDINATOR_ADDRESS")


def test_tpu_vm_says_that_it_is_one_of_several():
    assert f"export {clusters._TPU}=1" in (LAUNCH / "tpu_vm.sh").read_text()


@every_jobset
def test_jobset_names_what_it_has(path):
    spec = _jobset(path)["spec"]
    job, pod = _job_and_pod(path)
    assert job["parallelism"] == job["completions"]
    if "coordinator" in spec:
        names = [replicated["name"] for replicated in spec["replicatedJobs"]]
        assert spec["coordinator"]["replicatedJob"] in names
    mounts = {mount["name"]: mount for mount in pod["containers"][0]["volumeMounts"]}
    assert sorted(mounts) == sorted(volume["name"] for volume in pod["volumes"])
    assert VALUES["WORKDIR"].startswith(mounts["shared"]["mountPath"] + "/")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"kind": "Jobset"}, ".kind: 'Jobset' is none of ['JobSet']"),
        ({"spec": {"replicas": 2}}, ".spec.replicas: unknown"),
        ({"metadata": {"name": 3}}, ".metadata.name: 3 is no <class 'str'>"),
        ({"spec": {"replicatedJobs": {}}}, ".spec.replicatedJobs: {} is no <cla"),
        (
            {"spec": {"replicatedJobs": [{"name": "a"}]}},
            ".spec.replicatedJobs[0].template: missing",
        ),
    ],
)
def test_a_wrong_field_is_found(change, fault):
    found = jobset_fields.faults(_jobset(JOBSETS[0]) | change, jobset_fields.JOBSET)
    assert len(found) == 1 and found[0].startswith(fault)


def _job_and_pod(path):
    (replicated,) = _jobset(path)["spec"]["replicatedJobs"]
    job = replicated["template"]["spec"]
    return job, job["template"]["spec"]
