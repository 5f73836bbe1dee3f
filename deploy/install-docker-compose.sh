#!/bin/sh
# Installs Debian's docker-compose (1.x, in Python) if it is missing; only `make containers` needs it.
set -eu

name=docker-compose
packages=docker-compose
without='GOING ON WITHOUT IT: compose.yaml is not checked with the older docker-compose.'

# By its path: another docker-compose may come first.
missing() {
    [ -e /usr/bin/docker-compose ] || echo ' /usr/bin/docker-compose'
}

. "$(dirname "$0")/install-packages.sh"
