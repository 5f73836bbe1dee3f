# Owns a private Slurm cluster of one node: starts it, waits until standard input closes, ends it.
#
# The pipe to standard input closes on every way out of the program that opened it, kill -9 included,
# so the daemons never outlive the tests. Arguments: directory, port of slurmctld, port of slurmd.
# Everything is ended by process id; nothing listens beyond loopback. It need not be root's.
dir=$1 controller=$2 node=$3
cd "$dir" || exit 1
trap '' INT HUP TERM
PATH=$PATH:/usr/sbin:/sbin
user=$(id -un)

# The daemons listen on the address that the machine's name has. Where that is not loopback, they get a
# machine's name of their own, which takes root.
host=$(hostname -s) address=$(getent ahostsv4 "$(hostname)" | head -n 1 | cut -d ' ' -f 1)
named() {
    exec "$@"
}
case $address in
    127.*) ;;
    *)
        host=localhost address=127.0.0.1
        named() {
            echo "$(hostname) is not loopback: this needs root, or '127.0.0.1 $(hostname)' in /etc/hosts"
            exec unshare --uts sh -c 'hostname localhost && exec "$@"' named "$@"
        } ;;
esac

# Clients of any user reach the socket through the directory.
chmod 755 "$dir"
mkdir state spool
(umask 077 && head -c 1024 /dev/urandom > munge.key)

cat > slurm.conf << END
ClusterName=lindley
SlurmctldHost=$host($address)
SlurmctldPort=$controller
SlurmdPort=$node
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
# The node has more than this machine may have, so that the tasks of an array run at once.
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
NodeName=$host NodeAddr=$address CPUs=4 RealMemory=4096
PartitionName=all Nodes=ALL Default=YES
# Slurm gathers submissions for seconds before it looks at them; a test waits for each.
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1
END

munged --foreground --force --socket="$dir/munge.socket" --key-file="$dir/munge.key" \
    --pid-file="$dir/munged.pid" --seed-file="$dir/munge.seed" --log-file="$dir/munged.log" \
    < /dev/null > munged.out 2>&1 &
daemons=$!
# Two seconds are a hundred times what it takes; without the socket the others say what is wrong.
for _ in $(seq 100); do
    [ -S munge.socket ] && break
    sleep 0.02
done
# Absolute names: without them the daemons look for their configuration for a minute.
named env SLURM_CONF="$dir/slurm.conf" slurmctld -D -f "$dir/slurm.conf" < /dev/null > slurmctld.out 2>&1 &
daemons="$daemons $!"
named env SLURM_CONF="$dir/slurm.conf" slurmd -D -f "$dir/slurm.conf" < /dev/null > slurmd.out 2>&1 &
daemons="$daemons $!"

read -r _

# Jobs detach themselves from the daemons, but keep the environment in which they were started.
jobs() {
    grep -lszFx "SLURM_CONF=$dir/slurm.conf" /proc/[0-9]*/environ | cut -d / -f 3
}
# Nothing is worth saving, so there is nothing to shut down in order; without slurmd no job can follow.
kill -9 $daemons 2> /dev/null
wait
for _ in $(seq 100); do
    left=$(jobs)
    [ -z "$left" ] && break
    kill -9 $left 2> /dev/null
    sleep 0.02
done
cd / && rm -rf "$dir"
