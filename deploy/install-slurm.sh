#!/bin/sh
# Installs Debian's slurm-wlm and munge if they are missing and the user may, saying first what it does.
# Without --required it is no error if that cannot be done: only the tests under Slurm need them.
set -eu

# All that a cluster on one machine takes; the names of those that are not there.
missing() {
    PATH=$PATH:/usr/sbin:/sbin
    for program in munged slurmctld slurmd sbatch squeue sinfo; do
        command -v "$program" > /dev/null || printf ' %s' "$program"
    done
}
[ -z "$(missing)" ] && exit 0

give_up() {
    echo "Slurm is not installed and cannot be: $1." >&2
    if [ "$required" = yes ]; then
        echo "  remedy: install the packages slurm-wlm and munge, then run this again" >&2
        exit 1
    fi
    echo "  GOING ON WITHOUT IT: sweeps run on this machine alone, and the tests under Slurm fail." >&2
    exit 0
}

required=no
[ "${1:-}" = --required ] && required=yes

command -v apt-get > /dev/null || give_up "there is no apt-get"
if [ "$(id -u)" -eq 0 ]; then
    sudo=
elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
    sudo='sudo -n'
else
    give_up "that needs root"
fi

echo "Slurm is missing: installing Debian's packages slurm-wlm and munge with apt-get (about 15 s)." >&2
echo "They are installed without being started; this project's tests start private clusters of their own." >&2

# Debian asks this file whether a package may start its service.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$sudo rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" > /dev/null
    $sudo chmod 755 "$policy"
fi

log=$(mktemp)
install() {
    $sudo apt-get update -q &&
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends slurm-wlm munge
}
if ! install > "$log" 2>&1; then
    tail -n 5 "$log" >&2
    give_up "apt-get failed (the whole output is in $log)"
fi
rm -f "$log"
[ -z "$(missing)" ] || give_up "the packages do not have$(missing)"
