# shellcheck shell=bash
# Sourced by the scripts that run containers: settles what podman needs on this machine, and gives `compose`.

command -v podman >/dev/null || { echo "containers: podman is not installed: apt-get install podman" >&2; exit 77; }

# podman does not schedule health checks without systemd, and needs smaller settings inside a container.
[ -d /run/systemd/system ] || export CONTAINERS_CONF=$PWD/tests/containers/containers.conf
# The other format has no health checks.
export BUILDAH_FORMAT=docker

settings=$(mktemp -d)
base=$(scripts/base-image.sh) || exit
export CONTAINER_BASE=$base

# A build reaches the package index as this machine's own pip does: what it needs is lent to the build, and its content stays out of the image.
bundle=/etc/ssl/certs/ca-certificates.crt
build_options=()
pip_settings=$("${VENV:-.venv}/bin/python" -m pip config list |
    sed -nE "s/^(global|:env:)\.(index-url|extra-index-url|trusted-host)='(.*)'$/\2 = \3/p" | LC_ALL=C sort -u -t= -k1,1)
if [ -r "$bundle" ]; then
    build_options+=(-v "$bundle:$bundle:ro")
    # Debian's own pip reads that file; any other has to be told.
    case "$base" in localhost/*) ;; *) pip_settings+=$'\n'"cert = $bundle" ;; esac
fi
if [ -n "$pip_settings" ]; then
    (umask 077; printf '[global]\n%s\n' "$pip_settings" >"$settings/pip.conf")
    build_options+=(-v "$settings/pip.conf:/etc/pip.conf:ro")
fi

# In the same way it reaches Debian's packages as this machine's own apt does; the base that is made here says no mirror of its own.
if command -v apt-config >/dev/null; then
    apt-config dump | grep -E '^Acquire::(https?|Check-|Retries)' >"$settings/apt.conf" || true
    build_options+=(-v "$settings/apt.conf:/etc/apt/apt.conf.d/99lent:ro")
    mirror=$(scripts/base-image.sh --mirror)
    if [[ $base == localhost/sspid-base:* && $mirror ]]; then
        echo "deb $mirror bookworm main" >"$settings/sources.list"
        build_options+=(-v "$settings/sources.list:/etc/apt/sources.list:ro")
    fi
fi

compose() { "${VENV:-.venv}/bin/podman-compose" --project-name "$project" --podman-build-args="${build_options[*]}" "$@"; }
