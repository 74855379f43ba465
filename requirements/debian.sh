#!/usr/bin/env bash
# debian.sh LIST FOLDER: unpack the Debian packages of LIST into FOLDER/root, so that no service starts.
# Into the system go, where root does this, those of LIST with a `+` before them (LibreOffice knows its
# files by absolute paths) and two files: Debian's Alertmanager reads its default templates from
# /usr/share and nowhere else. Without apt-get, or without a network, it says so and ends well: the
# tests that need the programs then skip, which CI counts as a failure.
set -euo pipefail
list="$1" folder="$2"

give_up() {
    echo "make programs: $1; tests of Alertmanager, Prometheus, PostgreSQL and LibreOffice will be skipped" >&2
    exit 0
}

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || give_up "there is no apt-get here"
mapfile -t packages < <(grep '^[^#+*]' "$list")
mapfile -t newest < <(sed -n 's/^\*//p' "$list")
mapfile -t installed < <(sed -n 's/^+//p' "$list")
rm -rf "$folder"
mkdir -p "$folder/packages" "$folder/root"
apt=(apt-get -qq)
if [ "$(id -u)" = 0 ]; then apt+=(-o APT::Sandbox::User=root); fi

# A server's package has a number in its name, another in each release; its libraries may be missing.
numbered() { apt-cache pkgnames "$1-" | grep -x "$1-[0-9]*" | sort -V | tail -n 1; }
missing() { apt-get install --simulate --no-install-recommends "$1" | sed -nE 's/^Inst (\S+) \([^[].*/\1/p'; }

fetch() {
    local wanted=("${packages[@]}") name found
    for name in "${newest[@]}"; do
        found="$(numbered "$name")"
        [ -n "$found" ] || return 1
        mapfile -t -O "${#wanted[@]}" wanted < <({ echo "$found"; missing "$found"; } | sort -u)
    done
    (cd "$folder/packages" && "${apt[@]}" download "${wanted[@]}")
}

# Lists may be missing or of a release that has gone; root can renew them.
if ! fetch 2>/dev/null; then
    [ "$(id -u)" = 0 ] || give_up "apt-get download failed; as root: apt-get update"
    "${apt[@]}" update || give_up "apt-get update failed"
    fetch || give_up "apt-get download failed"
fi
for package in "$folder"/packages/*.deb; do dpkg-deb --extract "$package" "$folder/root"; done
templates=usr/share/prometheus/alertmanager
for name in default.tmpl email.tmpl; do
    if [ ! -e "/$templates/$name" ]; then
        install -D --mode=644 "$folder/root/$templates/$name" "/$templates/$name" 2>/dev/null \
            || echo "make programs: as root: install -D $folder/root/$templates/$name /$templates/$name" >&2
    fi
done
rm -r "$folder/packages"
if ! dpkg-query --status "${installed[@]}" >/dev/null 2>&1; then
    install_them=("${apt[@]}" install -y --no-install-recommends "${installed[@]}")
    if [ "$(id -u)" = 0 ]; then
        DEBIAN_FRONTEND=noninteractive "${install_them[@]}" >/dev/null \
            || echo "make programs: failed: ${install_them[*]}" >&2
    else
        echo "make programs: as root: ${install_them[*]}" >&2
    fi
fi
touch "$folder/.unpacked"
