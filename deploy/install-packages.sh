# Sourced by install-*.sh, which say what is wanted: `name` for people, Debian's `packages`, what is `missing` (a
# command that prints it, and nothing if all is there), and what it means to go on `without`.
#
# Packages that are missing are installed if the user may, saying first what is done. Without --required it is no
# error if that cannot be done.

[ -z "$(missing)" ] && exit 0

required=no
[ "${1:-}" = --required ] && required=yes

give_up() {
    echo "$name is not installed and cannot be: $1." >&2
    if [ "$required" = yes ]; then
        echo "  remedy: install $packages, then run this again" >&2
        exit 1
    fi
    echo "  $without" >&2
    exit 0
}

command -v apt-get > /dev/null || give_up "there is no apt-get"
if [ "$(id -u)" -eq 0 ]; then
    sudo=
elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
    sudo='sudo -n'
else
    give_up "that needs root"
fi

echo "$name is missing: installing Debian's $packages with apt-get (about 15 s)." >&2
echo "It is installed without being started; this project starts private servers of its own." >&2

# Debian asks this file whether a package may start its service.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$sudo rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" > /dev/null
    $sudo chmod 755 "$policy"
fi

log=$(mktemp)
install() {
    # Several packages are several words.
    # shellcheck disable=SC2086
    $sudo apt-get update -q &&
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages
}
if ! install > "$log" 2>&1; then
    tail -n 5 "$log" >&2
    give_up "apt-get failed (the whole output is in $log)"
fi
rm -f "$log"
[ -z "$(missing)" ] || give_up "after the installation there is still no$(missing)"
