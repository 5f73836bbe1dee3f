#!/bin/sh
# Installs Debian's rabbitmq-server if it is missing; without it the demo takes the embedded queue.
set -eu

name=RabbitMQ
packages=rabbitmq-server
without='GOING ON WITH THE EMBEDDED QUEUE: its overheads are next to nothing, so the textbook will hold.'

missing() {
    server=/usr/lib/rabbitmq/bin/rabbitmq-server
    [ -e "$server" ] || echo " $server"
}

. "$(dirname "$0")/install-packages.sh"
