#!/bin/sh
# Installs Debian's chromium if it is missing; only the tests that open the report as a browser shows it need it.
set -eu

name=Chromium
packages=chromium
without='GOING ON WITHOUT IT: the tests that open the report in a browser fail.'

missing() {
    command -v chromium > /dev/null || echo ' chromium'
}

. "$(dirname "$0")/install-packages.sh"
