#!/usr/bin/env bash
# Training on TPU VMs, to be started on every worker of a slice, from the project:
#
#     CONFIG=experiments/configs/vimeo.py WORKDIR=/mnt/shared/runs/vimeo \
#         RUNTIME=.venv experiments/launch/tpu_vm.sh [--config.a.b=V ...]
#
# CONFIG: what to train. WORKDIR: folder of the run, on a file system that all workers
# share. RUNTIME: the virtual environment.
set -euo pipefail
: "${CONFIG:?what to train, a file as experiments/configs/vimeo.py}"
: "${WORKDIR:?the folder of the run}"
: "${RUNTIME:?the virtual environment, a folder}"

export ADAVSR_TPU_SLICE=1 # the machine does not say that it is one of several
# A machine that shuts down tells every process, training too: passed on from here, it
# would be a second signal, which stops training before it has saved.
stopped=
trap stopped=1 TERM
status=75
# Interrupted, and this script was not told: another worker was, and the slice goes on
# once that one is back.
while [ "$status" -eq 75 ] && [ -z "$stopped" ]; do
    status=0
    "$RUNTIME/bin/python" -m experiments.meta_train \
        --config="$CONFIG" --workdir="$WORKDIR" "$@" || status=$?
done
exit "$status"
