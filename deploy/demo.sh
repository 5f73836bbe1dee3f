#!/bin/sh
# Calibrate, predict, drive, compare. Arguments: scenario, calibration file, deployment flags of `live`. The programs are
# those of Cargo's profile $PROFILE, `release` if it is not set.
# Ends with 0 whatever the verdict on the model, and also when a run is not valid (exit 3): the report says so.
set -eu

scenario=$1 calibration=$2
shift 2
# Cargo's profile `dev` is in a folder of another name.
profile=${PROFILE:-release}
[ "$profile" != dev ] || profile=debug
target=${CARGO_TARGET_DIR:-target}/$profile

tolerate_invalid() {
    status=0
    "$@" || status=$?
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ]
}

step() { printf '\n\033[1m%s\033[0m\n' "$1" >&2; }

step '1 of 4  calibrate: measure the overheads of this machine'
tolerate_invalid "$target/live" calibrate "$scenario" --out "$calibration" "$@"
step '2 of 4  predict: simulate the queue with these overheads, before it runs'
# On a slow or disturbed machine the overheads alone may saturate the consumer: that is a result, too.
"$target/sim" run "$scenario" --calibration "$calibration" --allow-unstable
step '3 of 4  drive: send exactly these jobs through the real pipeline'
tolerate_invalid "$target/live" run "$scenario" "$@"
step '4 of 4  compare: job by job'
"$target/analysis"
