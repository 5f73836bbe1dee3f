#!/bin/sh
# Installs Debian's PostgreSQL server if it is missing; only the tests of that store need it.
set -eu

name=PostgreSQL
packages=postgresql
without='GOING ON WITHOUT IT: SQLite is compiled in; the tests of the PostgreSQL store fail.'

missing() {
    for server in /usr/lib/postgresql/*/bin/postgres; do
        [ -e "$server" ] || echo " $server"
    done
}

. "$(dirname "$0")/install-packages.sh"
