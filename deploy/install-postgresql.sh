#!/bin/sh
# Installs Debian's PostgreSQL server if it is missing; the tests of the store need it, `--store postgres://...` does not
# (its server may be anywhere).
set -eu

name=PostgreSQL
packages=postgresql
without='GOING ON WITHOUT IT: messages can be kept in SQLite or at a PostgreSQL server elsewhere; the tests of the store fail.'

# Debian keeps the programs of the server outside the path, by version.
missing() {
    for program in initdb postgres; do
        ls /usr/lib/postgresql/*/bin/"$program" > /dev/null 2>&1 || printf ' %s' "$program"
    done
}

# The package also makes an empty cluster `main` in /var/lib/postgresql, which is not started and which nothing here
# uses; `pg_dropcluster` removes it. To forbid it beforehand would mean to write the administrator's configuration.
. "$(dirname "$0")/install-packages.sh"
