#!/usr/bin/env bash
# Training on a SLURM cluster, one process a GPU:
#
#     CONFIG=experiments/configs/vimeo.py WORKDIR=runs/vimeo RUNTIME=.venv \
#         sbatch experiments/launch/slurm.sh [--config.a.b=V ...]
#
# CONFIG: what to train. WORKDIR: folder of the run, on a file system that all nodes
# share. RUNTIME: the virtual environment. The lines below say how large a job it
# is; each of them can be given to sbatch too.
#SBATCH --job-name=adavsr
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=8
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
set -euo pipefail
: "${CONFIG:?what to train, a file as experiments/configs/vimeo.py}"
: "${WORKDIR:?the folder of the run}"
: "${RUNTIME:?the virtual environment, a folder}"

# A signal meant for training may reach this shell too, which has to see how it ended.
trap : TERM
status=0
# Since SLURM 22.05 srun does not take this over from the job: a process had one core.
export SRUN_CPUS_PER_TASK="${SLURM_CPUS_PER_TASK:-1}"
# One that has saved leaves before the others: they must not be killed for it.
srun --kill-on-bad-exit=0 "$RUNTIME/bin/python" -m experiments.meta_train \
    --config="$CONFIG" --workdir="$WORKDIR" "$@" || status=$?

if [ "$status" -eq 75 ]; then # interrupted, all saved: the same job goes on
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
