"""What of the JobSet API (jobset.x-k8s.io/v1alpha2) and of Kubernetes' Job our
launchers write: names of fields, types, values allowed.

Written down from the published schemas, of which whole copies are a hundred times as
long: kubernetes-sigs/jobset, config/components/crd/bases, and Kubernetes 1.37. A field
that is not here may well exist: look it up there, then add it.

A dictionary is an object, a list of one a list of such, a set the values allowed, and a
name that ends in `!` has to be there. `{str: x}` is an object with names of one's own.
"""

_POD = {
    "restartPolicy": {"Never"},  # the only one that a podFailurePolicy works with
    "terminationGracePeriodSeconds": int,
    "nodeSelector": {str: str},
    "containers!": [
        {
            "name!": str,
            "image": str,
            "command": [str],
            "args": [str],
            "env": [
                {
                    "name!": str,
                    "value": str,
                    "valueFrom": {"fieldRef": {"fieldPath!": str}},
                }
            ],
            "resources": {"limits": {str: int}},
            "volumeMounts": [{"name!": str, "mountPath!": str}],
        }
    ],
    "volumes": [
        {
            "name!": str,
            "persistentVolumeClaim": {"claimName!": str},
            "emptyDir": {"medium": {"", "Memory"}},
        }
    ],
}

_JOB = {
    "parallelism": int,
    "completions": int,
    "completionMode": {"Indexed", "NonIndexed"},
    "backoffLimit": int,
    "podFailurePolicy": {
        "rules!": [
            {
                "action!": {"FailJob", "Ignore", "Count"},
                "onExitCodes": {
                    "containerName": str,
                    "operator!": {"In", "NotIn"},
                    "values!": [int],
                },
                "onPodConditions": [
                    {"type!": str, "status!": {"True", "False", "Unknown"}}
                ],
            }
        ]
    },
    "template!": {"spec": _POD},
}

JOBSET = {
    "apiVersion!": {"jobset.x-k8s.io/v1alpha2"},
    "kind!": {"JobSet"},
    "metadata!": {"name": str, "annotations": {str: str}},
    "spec!": {
        "coordinator": {"replicatedJob!": str},
        "failurePolicy": {
            "maxRestarts": int,
            "rules": [
                {
                    "name!": str,
                    "action!": {
                        "FailJobSet",
                        "RestartJobSet",
                        "RestartJobSetAndIgnoreMaxRestarts",
                    },
                    "onJobFailureReasons": [
                        {"BackoffLimitExceeded", "PodFailurePolicy"}
                    ],
                }
            ],
        },
        "replicatedJobs": [
            {"name!": str, "replicas": int, "template!": {"spec": _JOB}}
        ],
    },
}


def faults(value, form, path=""):
    """What of `value`, as YAML reads it, is not of that form: a line each."""
    if isinstance(form, set):
        return [] if value in form else [f"{path}: {value!r} is none of {sorted(form)}"]
    if isinstance(form, type):
        return [] if type(value) is form else [f"{path}: {value!r} is no {form}"]
    if not isinstance(value, type(form)):
        return [f"{path}: {value!r} is no {type(form)}"]
    if isinstance(form, list):
        items = [(f"{path}[{i}]", item, form[0]) for i, item in enumerate(value)]
    elif str in form:
        items = [(f"{path}.{name}", item, form[str]) for name, item in value.items()]
    else:
        known = {name.removesuffix("!"): of for name, of in form.items()}
        needed = {name[:-1] for name in form if name.endswith("!")}
        wrong = [f"{path}.{name}: unknown" for name in value.keys() - known.keys()]
        wrong += [f"{path}.{name}: missing" for name in needed - value.keys()]
        if wrong:
            return sorted(wrong)
        items = [(f"{path}.{name}", item, known[name]) for name, item in value.items()]
    return [fault for name, item, of in items for fault in faults(item, of, name)]
