#!/bin/sh
# The table of the live side's speed against the field's usual stack, some twenty minutes: see live/benches/live.py.
# Arguments are passed on, such as `--figures closed --rounds 1`. The table goes to standard output and to
# target/bench-live.md.
set -eu
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
for program in live sim; do
    [ -x "$target/release/$program" ] && continue
    echo "error: there is no $target/release/$program; cargo build --release first" >&2
    exit 1
done
deploy/install-rabbitmq.sh --required
deploy/install-wrk.sh --required

# The other stack in an environment of its own, made anew when its pinned versions change.
requirements=live/benches/fastapi/requirements.txt
python=$target/tools/fastapi-$(sha256sum < "$requirements" | cut -c1-12)
if [ ! -e "$python/complete" ]; then
    python3 -m venv "$python"
    "$python/bin/python" -m pip install --quiet --no-deps --requirement "$requirements"
    touch "$python/complete"
fi
export PYTHONDONTWRITEBYTECODE=1
exec "$python/bin/python" live/benches/live.py --target "$target/release" --out "$target/bench-live.md" \
    --log "$target/bench-live.log" "$@"
