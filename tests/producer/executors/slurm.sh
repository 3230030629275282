#!/usr/bin/env bash
# One-node Slurm as root, without systemd and cgroups. Usage: slurm.sh up|down FOLDER
set -euo pipefail
what=$1 folder=$(realpath -m "$2")
export SLURM_CONF="$folder/slurm.conf"

down() {
  for daemon in slurmd slurmctld; do
    if [ -e "$folder/run/$daemon.pid" ]; then kill "$(cat "$folder/run/$daemon.pid")" || true; fi
  done
}

munge_up() { # its package makes user and key, but without systemd no folder for its socket
  munge -n >/dev/null 2>&1 && return
  install -d -o munge -g munge -m 0755 /run/munge
  install -d -o munge -g munge -m 0700 /var/log/munge /var/lib/munge
  if [ ! -s /etc/munge/munge.key ]; then
    dd if=/dev/urandom of=/etc/munge/munge.key bs=128 count=1 status=none
    chown munge:munge /etc/munge/munge.key
    chmod 400 /etc/munge/munge.key
  fi
  setpriv --reuid=munge --regid=munge --clear-groups /usr/sbin/munged
}

up() {
  local host memory
  host=$(hostname -s)
  memory=$(($(awk '/MemTotal/{print $2}' /proc/meminfo) / 1024 - 512))
  mkdir -p "$folder"/{ctld,slurmd,log,run}
  munge_up
  cat >"$SLURM_CONF" <<END
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$folder/ctld
SlurmdSpoolDir=$folder/slurmd
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=1024
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1,sched_min_interval=0
ReturnToService=2
KillWait=5
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
PartitionName=milano Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
END
  echo "CgroupAutomount=no" >"$folder/cgroup.conf"
  slurmctld
  slurmd
  for _ in $(seq 200); do
    case "$(sinfo -h -o %t 2>/dev/null)" in idle | mix | alloc) return ;; esac
    sleep 0.1
  done
  echo "Slurm did not come up: see $folder/log" >&2
  return 1
}

"$what"
