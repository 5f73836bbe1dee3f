#!/bin/sh
# Installs what executes the notebooks, below target/tools and nowhere else: evcxr, the Rust kernel, built by cargo, and
# Jupyter's side of it in a Python environment. Only `make notebooks` needs them. Versions are pinned; what is there
# already is left alone. Without --required it is no error if that cannot be done.
set -eu
cd "$(dirname "$0")/.."

# The newest that the Rust of this project (`rust-version` in Cargo.toml) compiles.
evcxr_version=0.21.1
tools=$(mkdir -p "${CARGO_TARGET_DIR:-target}/tools" && cd "${CARGO_TARGET_DIR:-target}/tools" && pwd)
required=${1:-}

give_up() {
    echo "the notebooks cannot be executed: $1." >&2
    if [ "$required" = --required ]; then
        echo "  remedy: $2, then run this again" >&2
        exit 1
    fi
    echo '  GOING ON WITHOUT THEM: their outputs are in the committed files.' >&2
    exit 0
}

# Jupyter: an environment of its own, made anew when the pinned versions change.
requirements=notebooks/requirements.txt
wanted=$(sha256sum < "$requirements" | cut -c1-12)
python=$tools/notebooks
if [ "$(cat "$python/complete" 2> /dev/null)" != "$wanted" ]; then
    echo "Jupyter's tools are missing: installing those of $requirements into $python (about 20 s)." >&2
    rm -rf "$python"
    python3 -m venv "$python" || give_up 'Python has no venv' 'install python3-venv'
    "$python/bin/python" -m pip install --quiet --no-deps --requirement "$requirements" ||
        give_up 'pip failed' "see what pip says above"
    echo "$wanted" > "$python/complete"
fi

# The kernel. It is described to Jupyter in a folder of its own, so that nobody's home is written to.
evcxr=$tools/evcxr
if ! grep -qs "^\"evcxr_jupyter $evcxr_version " "$evcxr/.crates.toml"; then
    echo "evcxr $evcxr_version is missing: building it with cargo into $evcxr (13 minutes of processor time)." >&2
    # Where it is built for one execution, a slow kernel that is there after two minutes is the quicker one.
    if [ -n "${CI:-}" ]; then
        CARGO_PROFILE_RELEASE_OPT_LEVEL=0
        export CARGO_PROFILE_RELEASE_OPT_LEVEL
    fi
    cargo install --quiet --locked evcxr_jupyter --version "$evcxr_version" --root "$evcxr" \
        --target-dir "$tools/evcxr-build" || give_up 'cargo could not build evcxr' 'see what cargo says above'
    rm -rf "$tools/evcxr-build"
fi
[ -e "$evcxr/share/jupyter/kernels/rust/kernel.json" ] ||
    JUPYTER_PATH=$evcxr/share/jupyter "$evcxr/bin/evcxr_jupyter" --install > "$evcxr/install.log" ||
    give_up 'evcxr cannot be described to Jupyter' "see $evcxr/install.log"
