#!/bin/sh
# Installs Debian's slurm-wlm and munge if they are missing; only the tests under Slurm need them.
set -eu

name=Slurm
packages='slurm-wlm munge'
without='GOING ON WITHOUT IT: sweeps run on this machine alone, and the tests under Slurm fail.'

missing() {
    PATH=$PATH:/usr/sbin:/sbin
    for program in munged slurmctld slurmd sbatch squeue sinfo; do
        command -v "$program" > /dev/null || printf ' %s' "$program"
    done
}

. "$(dirname "$0")/install-packages.sh"
