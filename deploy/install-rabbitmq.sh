#!/bin/sh
# Installs Debian's rabbitmq-server if it is missing and the user may, saying first what it does.
# Without --required it is no error if that cannot be done: the embedded queue takes its place.
set -eu

server=/usr/lib/rabbitmq/bin/rabbitmq-server
[ -e "$server" ] && exit 0

give_up() {
    echo "RabbitMQ is not installed and cannot be: $1." >&2
    if [ "${1:-}" ] && [ "$required" = yes ]; then
        echo "  remedy: install the package rabbitmq-server, then run this again" >&2
        exit 1
    fi
    echo "  GOING ON WITH THE EMBEDDED QUEUE: its overheads are next to nothing, so the textbook will hold." >&2
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

echo "RabbitMQ is missing: installing Debian's package rabbitmq-server with apt-get (about 15 s)." >&2
echo "It is installed without being started; this project starts private nodes of its own." >&2

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
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends rabbitmq-server
}
if ! install > "$log" 2>&1; then
    tail -n 5 "$log" >&2
    give_up "apt-get failed (the whole output is in $log)"
fi
rm -f "$log"
[ -e "$server" ] || give_up "the package has no $server"
