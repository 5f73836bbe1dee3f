#!/bin/sh
# Installs Debian's wrk if it is missing; only `make bench-live` needs it.
set -eu

name=wrk
packages=wrk
without='GOING ON WITHOUT IT: there is no closed-loop measurement.'

missing() {
    command -v wrk > /dev/null || echo ' wrk'
}

. "$(dirname "$0")/install-packages.sh"
