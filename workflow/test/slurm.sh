#!/usr/bin/env bash
# The workflow on a real Slurm: one controller and two node daemons on this machine, one shard killed, one canceled, both
# midway, against a single run. Needs root (apt, munge, /etc/slurm/slurm.conf); leaves nothing running and nothing in /etc
# but the packages. Says SKIPPED where it may not or must not run. No input.
set -euo pipefail

if [ "$(id -u)" != 0 ]; then
  echo "SKIPPED: a Slurm can only be set up by root"
  exit 0
fi
configuration=/etc/slurm/slurm.conf
if [ -e "$configuration" ] || pgrep -x slurmctld >/dev/null; then
  echo "SKIPPED: this machine has a Slurm of its own ($configuration or a running daemon)"
  exit 0
fi

source "$(dirname "${BASH_SOURCE[0]}")/cohort.sh"
trap 'set +e; stop_workflow; stop_slurm; rm -rf "$work"' EXIT

# The packages start no daemon: nothing here may depend on an init system.
install_slurm() {
  command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null && return
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >"$work/apt.log" 2>&1 ||
    { cat "$work/apt.log"; fail "slurm-wlm and munge could not be installed"; }
}

# Key, socket, state, logs and pid files lie in $work/slurm; ports are not Slurm's usual ones.
start_slurm() {
  slurm=$work/slurm
  mkdir "$slurm" "$slurm/state"
  chmod 755 "$work" "$slurm" # munge wants its socket to be reachable
  (umask 077 && dd if=/dev/urandom of="$slurm/munge.key" bs=128 count=1 status=none)
  munged --key-file="$slurm/munge.key" --socket="$slurm/munge.socket" --pid-file="$slurm/munged.pid" \
    --log-file="$slurm/munged.log" --seed-file="$slurm/munged.seed"
  local host
  host=$(uname -n)
  cat >"$slurm/slurm.conf" <<CONF
ClusterName=schistoquant
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$slurm/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
KillWait=5
MinJobAge=600
StateSaveLocation=$slurm/state
SlurmctldPidFile=$slurm/slurmctld.pid
SlurmctldLogFile=$slurm/slurmctld.log
SlurmdPidFile=$slurm/slurmd-%n.pid
SlurmdLogFile=$slurm/slurmd-%n.log
SlurmdSpoolDir=$slurm/spool-%n
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=16818 CPUs=2 RealMemory=2000
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=16819 CPUs=2 RealMemory=2000
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=60 State=UP
CONF
  # srun in a job looks nowhere else.
  mkdir -p "$(dirname "$configuration")"
  cp "$slurm/slurm.conf" "$configuration"
  slurmctld -f "$slurm/slurm.conf"
  slurmd -N n1 -f "$slurm/slurm.conf"
  slurmd -N n2 -f "$slurm/slurm.conf"
  local deadline=$((SECONDS + 30))
  until [ "$(sinfo --noheader --states=idle --format=%D 2>/dev/null)" = 2 ]; do
    ((SECONDS < deadline)) || { tail -n 20 "$slurm"/*.log; fail "the two nodes were not idle within 30 s"; }
    sleep 0.5
  done
  say "$(sinfo --version), nodes $(sinfo --noheader --format=%N), idle"
}

stop_slurm() {
  [ -n "${slurm:-}" ] || return
  scancel --user=root --full --signal=KILL 2>/dev/null
  local file pid
  for file in "$slurm"/slurmd-n1.pid "$slurm"/slurmd-n2.pid "$slurm"/slurmctld.pid "$slurm"/munged.pid; do
    pid=$(cat "$file" 2>/dev/null) && kill "$pid" 2>/dev/null || continue
    for _ in $(seq 50); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null
  done
  if cmp -s "$slurm/slurm.conf" "$configuration"; then rm "$configuration"; fi
}

# The queued job of shard $1.
job_of() { squeue --noheader --format='%i %k' | sed -n "s/ rule_shard_wildcards_$1\$//p"; }

install_slurm
prepare
draw_cohort
start_slurm

start_workflow slurm --slurm-status-command squeue --slurm-init-seconds-before-status-checks 5
hold_midway 1 2
remember_finished 1
remember_finished 2
kill -KILL "${held[1]}"
say "shard 1 was killed"
scancel "$(job_of 2)"
kill -CONT "${held[2]}"
say "shard 2 was canceled"
await_workflow
# job, comment, state, node, memory and time asked for
scontrol --oneliner show job | sed 's/^JobId=\([0-9]*\) .* JobState=\([A-Z]*\) .* TimeLimit=\([^ ]*\) .*BatchHost=\([^ ]*\) .*TRES=[^ ]*mem=\([^,]*\),.* Comment=\([^ ]*\).*/\1 \6 \2 \4 \5 \3/' |
  tee "$work/jobs"
expect_kept 1
expect_kept 2
for shard in 1 2; do
  asked=$(sed -n "s/.* rule_shard_wildcards_$shard .* n[12] //p" "$work/jobs" | xargs)
  [ "$asked" = "600M 00:05:00 1200M 00:10:00" ] || fail "shard $shard: expected one retry with twice the memory and time, found $asked"
done
[ "$(grep -c ' rule_shard_wildcards_3 COMPLETED' "$work/jobs")" = 1 ] || fail "shard 3 was not lost and must run once"
say "shards 1 and 2 were retried once each, with twice the memory and time"
expect_same
