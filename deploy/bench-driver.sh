#!/bin/sh
# The tables of what `live` itself does to a run, some eleven minutes: see live/benches/driver.py. Arguments are passed
# on, such as `--figures pacing --seconds 10`. The tables go to standard output and to target/bench-driver.md.
set -eu
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
if [ ! -x "$target/release/live" ]; then
    echo "error: there is no $target/release/live; cargo build --release first" >&2
    exit 1
fi
deploy/install-rabbitmq.sh --required

# The environment of deploy/bench-live.sh, which has pika.
requirements=live/benches/fastapi/requirements.txt
python=$target/tools/fastapi-$(sha256sum < "$requirements" | cut -c1-12)
if [ ! -e "$python/complete" ]; then
    python3 -m venv "$python"
    "$python/bin/python" -m pip install --quiet --no-deps --requirement "$requirements"
    touch "$python/complete"
fi
export PYTHONDONTWRITEBYTECODE=1
exec "$python/bin/python" live/benches/driver.py --target "$target/release" --out "$target/bench-driver.md" \
    --log "$target/bench-driver.log" "$@"
