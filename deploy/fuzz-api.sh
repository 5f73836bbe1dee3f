#!/bin/sh
# Fuzzes a running API against its own description: deploy/fuzz-api.sh URL [TOKEN] [CASES]
#
# Ends with 0 only if every check of schemathesis held: no server error, no response outside the schema, no valid
# request refused, no invalid one accepted. The API must not be in use: it is sent thousands of messages.
set -eu

url=${1:?usage: deploy/fuzz-api.sh URL [TOKEN] [CASES], such as http://127.0.0.1:8080}
token=${2:-}
cases=${3:-1500} # for each of the seven operations, at most; /livez and /readyz need few
version=4.32.5

root=$(cd "$(dirname "$0")/.." && pwd)
venv=${FUZZ_VENV:-$root/target/fuzz-venv}
if [ ! -x "$venv/bin/schemathesis" ]; then
	python3 -m venv "$venv"
	"$venv/bin/pip" install --quiet "schemathesis==$version"
fi
"$venv/bin/schemathesis" --version

cd "$root/live/tests/fuzz"
# The token is in the environment, not among the arguments, which every user of the machine may read.
LINDLEY_FUZZ_TOKEN=$token exec "$venv/bin/schemathesis" --config-file schemathesis.toml run "$url/openapi.json" \
	--url "$url" --checks all --max-examples "$cases" --seed 20260101
