#!/bin/sh
# Installs Debian's prometheus if it is missing; only the test that has a real one scrape a run needs it.
set -eu

name=Prometheus
packages=prometheus
without='GOING ON WITHOUT IT: the test that has a real Prometheus scrape a run fails.'

missing() {
    for program in prometheus promtool; do
        command -v "$program" > /dev/null || printf ' %s' "$program"
    done
}

. "$(dirname "$0")/install-packages.sh"
