#!/bin/sh
# Carries out one of the measurements of live/benches, with all it needs:
#
#   deploy/measure.sh bench-live    the pipeline beside FastAPI + aio-pika + pika (live.py, some twenty minutes)
#   deploy/measure.sh bench-driver  how punctual driver and servers are, and what the API costs (driver.py, eleven minutes)
#   deploy/measure.sh evidence      predictions made before each run beside what was observed (evidence.py, forty-five minutes)
#   deploy/measure.sh control       injected faults, and how soon control charts see them (control.py, thirteen minutes)
#   deploy/measure.sh planning      an answer of `analysis capacity`, driven (planning.py, five minutes)
#   deploy/measure.sh experiment    a 12 % faster service, found with the jobs of the plan (experiment.py, four minutes)
#   deploy/measure.sh crosscheck    the same API measured by oha and wrk, and RabbitMQ's own figures (crosscheck.py)
#
# Further arguments are passed on, such as `--rounds 1`. The table goes to standard output and to target/NAME.md.
set -eu
cd "$(dirname "$0")/.."

name=${1:?which measurement? see deploy/measure.sh}
shift
case $name in
bench-live) script=live ;;
bench-driver) script=driver ;;
evidence | control | planning | experiment | crosscheck) script=$name ;;
*) echo "error: there is no measurement $name; see deploy/measure.sh" >&2 && exit 2 ;;
esac

target=${CARGO_TARGET_DIR:-target}
for program in live sim analysis; do
    [ -x "$target/release/$program" ] && continue
    echo "error: there is no $target/release/$program; cargo build --release first" >&2
    exit 1
done
deploy/install-rabbitmq.sh --required
deploy/install-wrk.sh --required

# Nobody packages oha: it is built once, of one version, beside the other tools. Without it the rest is measured.
if [ "$name" = crosscheck ] && [ ! -x "$target/tools/oha/bin/oha" ] && ! command -v oha > /dev/null; then
    echo 'oha is missing: building it with cargo (some minutes).' >&2
    cargo install --locked oha --version 1.15.0 --root "$target/tools/oha" ||
        echo '  GOING ON WITHOUT IT: live drive is compared with wrk and the broker only.' >&2
fi
PATH=$(cd "$target" && pwd)/tools/oha/bin:$PATH
export PATH

# pika and the other stack in an environment of their own, made anew when their pinned versions change.
requirements=live/benches/fastapi/requirements.txt
python=$target/tools/fastapi-$(sha256sum < "$requirements" | cut -c1-12)
if [ ! -e "$python/complete" ]; then
    python3 -m venv "$python"
    "$python/bin/python" -m pip install --quiet --no-deps --requirement "$requirements"
    touch "$python/complete"
fi
export PYTHONDONTWRITEBYTECODE=1
exec "$python/bin/python" "live/benches/$script.py" --target "$target/release" --out "$target/$name.md" \
    --log "$target/$name.log" "$@"
