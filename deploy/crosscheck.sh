#!/bin/sh
# The same API measured by oha and wrk, and its queue by RabbitMQ's management API, some seven minutes: see
# live/benches/crosscheck.py. Arguments are passed on, such as `--rounds 1`, or `--oha PATH`. The tables go to standard
# output and to target/crosscheck.md.
set -eu
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
if [ ! -x "$target/release/live" ]; then
    echo "error: there is no $target/release/live; cargo build --release first" >&2
    exit 1
fi
deploy/install-rabbitmq.sh --required
deploy/install-wrk.sh --required

# Nobody packages oha: it is built once, of one version, beside the other tools. Without it the rest is measured.
if [ ! -x "$target/tools/oha/bin/oha" ] && ! command -v oha > /dev/null; then
    echo 'oha is missing: building it with cargo (some minutes).' >&2
    cargo install --locked oha --version 1.15.0 --root "$target/tools/oha" ||
        echo '  GOING ON WITHOUT IT: live drive is compared with wrk and the broker only.' >&2
fi
PATH=$(cd "$target" && pwd)/tools/oha/bin:$PATH
export PATH

# The environment of deploy/bench-live.sh, which has pika.
requirements=live/benches/fastapi/requirements.txt
python=$target/tools/fastapi-$(sha256sum < "$requirements" | cut -c1-12)
if [ ! -e "$python/complete" ]; then
    python3 -m venv "$python"
    "$python/bin/python" -m pip install --quiet --no-deps --requirement "$requirements"
    touch "$python/complete"
fi
export PYTHONDONTWRITEBYTECODE=1
exec "$python/bin/python" live/benches/crosscheck.py --target "$target/release" --out "$target/crosscheck.md" \
    --log "$target/crosscheck.log" "$@"
