#!/usr/bin/env bash
# experiments/launch/slurm.sh under a SLURM of one machine: two processes train a small
# network, are told to stop, requeued, and must end where two undisturbed ones do.
#
#     apt-get install slurm-wlm munge
#     tests/slurm_on_loopback.sh
#
# From the root of the project, as root, with two cores and some six minutes, of which
# SLURM waits two before it starts a requeued job. Its daemons run beside any that are
# there, from a folder of their own, and are stopped at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
chmod 755 "$folder"
mkdir "$folder/state" "$folder/spool"
host=$(hostname -s)
export SLURM_CONF=$folder/slurm.conf
cat > "$SLURM_CONF" <<END
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
JobAcctGatherType=jobacct_gather/none
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
SlurmctldPort=26817
SlurmdPort=26818
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES State=UP
END
stop() {
    for daemon in slurmd slurmctld munged; do
        if [ -s "$folder/$daemon.pid" ]; then kill "$(cat "$folder/$daemon.pid")"; fi
    done
}
trap stop EXIT
dd if=/dev/urandom of="$folder/munge.key" bs=1024 count=1 status=none
chmod 400 "$folder/munge.key"
munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
    --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" \
    --seed-file="$folder/munge.seed"
slurmctld
slurmd
until sinfo --noheader --states=idle | grep -q .; do sleep 1; done

export CONFIG=experiments/configs/demo.py RUNTIME=.venv JAX_NUM_CPU_DEVICES=1
submit() { # WORKDIR, more of sbatch
    WORKDIR=$1 sbatch --parsable --nodes=1 --ntasks-per-node=2 --cpus-per-task=1 \
        --gpus-per-node=0 --output="$1.log" "${@:2}" experiments/launch/slurm.sh \
        --config.data.rendered_clips=4 --config.network.tsr_channels=3 \
        --config.network.ssr_channels=4 --config.network.ssr_blocks=1 \
        --config.large_scale.steps=60 --config.large_scale.batch=2 \
        --config.large_scale.patch=32 --config.meta.steps=40 --config.meta.batch=2 \
        --config.meta.patch=48 --config.meta.query_size=6 --config.inner.steps=2 \
        --config.run.log_every_steps=10 --config.run.validation_clips=1
}
job=$(submit "$folder/stopped")
until grep -q "^step 10 " "$folder/stopped.log" 2> /dev/null; do
    squeue --noheader | grep -q . # else it has failed
    sleep 1
done
scancel --signal=TERM "$job"
submit "$folder/undisturbed" --wait > /dev/null
while squeue --noheader | grep -q .; do sleep 2; done

for run in stopped undisturbed; do
    echo "$run:"
    grep -E "from step|^interrupted|exit code|^final" "$folder/$run.log"
done
grep -q "exit code 75" "$folder/stopped.log"
[ "$(grep ^final "$folder/stopped.log")" = "$(grep ^final "$folder/undisturbed.log")" ]
echo "the same"
