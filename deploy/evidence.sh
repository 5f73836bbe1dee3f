#!/bin/sh
# Predictions made before each run against what was then observed, some fourteen minutes: see live/benches/evidence.py.
# The same command goes on where it was stopped. Arguments are passed on, such as `--only 'quorum-*'` or `--fresh`. The
# table goes to standard output and to target/evidence.md, all figures to target/evidence.csv.
set -eu
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
for program in live sim analysis; do
    [ -x "$target/release/$program" ] && continue
    echo "error: there is no $target/release/$program; cargo build --release first" >&2
    exit 1
done
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
exec "$python/bin/python" live/benches/evidence.py --target "$target/release" --folder "$target/evidence" \
    --out "$target/evidence.md" --csv "$target/evidence.csv" --log "$target/evidence.log" "$@"
