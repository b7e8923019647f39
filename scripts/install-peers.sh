#!/bin/bash
# Installs the peers of tests/support/peers.txt that are missing here; needs root, and costs nothing when all are there.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
table="$here/tests/support/peers.txt"
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/go/bin:${HOME:-/root}/.cargo/bin"

declare -A missing=()
while read -r peer package suite file; do
    case "$peer" in '' | '#'*) continue ;; esac
    case "${file:-$peer}" in
        /*) [ -e "$file" ] && continue ;;
        *) command -v "${file:-$peer}" >/dev/null && continue ;;
    esac
    case " ${missing[$suite]:-} " in *" $package "*) ;; *) missing[$suite]="${missing[$suite]:-} $package" ;; esac
done <"$table"
[ ${#missing[@]} -gt 0 ] || exit 0

for suite in "${!missing[@]}"; do echo "peers: missing from $suite:${missing[$suite]}" >&2; done
if [ "$(id -u)" != 0 ]; then
    echo "peers: not root, so nothing is installed; the tests of these peers are skipped (or fail with TEST_REQUIRE_PEERS=1)" >&2
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "peers: this is no Debian machine; install them by hand" >&2
    exit 0
fi

work=$(mktemp -d)
policy=/usr/sbin/policy-rc.d
cleanup() {
    rm -rf "$work"
    if [ -n "${policy_is_ours:-}" ]; then rm -f "$policy"; fi
}
trap cleanup EXIT

# The tests start every daemon themselves, on ports of their own: none may come up by being installed.
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    policy_is_ours=1
fi

export DEBIAN_FRONTEND=noninteractive
options=(-o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)

# Without every peer required, tests of what could not be installed are skipped: no reason to stop here.
failed() {
    cat "$work/log" >&2
    echo "peers: apt-get failed, see above" >&2
    exit "${TEST_REQUIRE_PEERS:-0}"
}

install() { # suite, options of apt-get
    local packages
    read -ra packages <<<"${missing[$1]:-}"
    [ ${#packages[@]} -gt 0 ] || return 0
    apt-get "${options[@]}" install -y -q --no-install-recommends "${@:2}" "${packages[@]}" >"$work/log" 2>&1 || failed
}

apt-get "${options[@]}" update -q >"$work/log" 2>&1 || failed
install bookworm
unset 'missing[bookworm]'
[ ${#missing[@]} -gt 0 ] || exit 0

# A suite that the machine does not use itself is added for these calls alone, from the mirror the machine already uses.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | awk '$2 == "bookworm" { print $1; exit }')
cp -a /etc/apt/sources.list.d "$work/parts"
mkdir -p "$work/lists/partial"
options+=(-o "Dir::Etc::sourceparts=$work/parts" -o "Dir::State::lists=$work/lists")
for suite in "${!missing[@]}"; do
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$work/parts/peers-$suite.list"
done
apt-get "${options[@]}" update -q >"$work/log" 2>&1 || failed
for suite in "${!missing[@]}"; do install "$suite" -t "$suite"; done
