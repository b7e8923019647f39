#!/bin/bash
# Makes or updates the environment (default .venv); does nothing when what it was made from is unchanged.
set -euo pipefail
# Ctrl-C ends this, and is not taken for bindings that do not build.
trap 'exit 130' INT
cd "$(dirname "$0")/.."

venv=${VENV:-.venv}
distributions=(protos/python service client/python)

# The headers of MIT Kerberos, a compiler and Python's own headers may turn up later: they belong to what the environment is made from.
kerberos=no
if command -v krb5-config >/dev/null && command -v gcc >/dev/null; then kerberos=yes; fi

# The distribution's own first: it gets the security updates, and built as Debian builds it, it is a tenth quicker than from source.
choose_python() {
    local each
    for each in /usr/bin/python3.11 python3.11 python3; do
        if "$each" -c 'import ensurepip' 2>/dev/null; then command -v "$each" && return; fi
    done
    command -v python3.11 || command -v python3
}

fingerprint() {
    pwd
    echo "kerberos $kerberos" /usr/include/python3*/Python.h
    sha256sum scripts/venv.sh requirements/*.{txt,cfg} protos/python/pyproject.toml service/pyproject.toml client/python/pyproject.toml
}
stamp=$venv/.stamp
if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ]; then exit 0; fi

python=$(choose_python)
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "venv: Python 3.11 or later is needed, $python is older" >&2; exit 1; }
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "venv: installing python3-venv" >&2
        apt-get -o DPkg::Lock::Timeout=300 update -q >/dev/null
        DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends python3-venv >/dev/null
    else
        echo "venv: $python has no ensurepip; on Debian: apt-get install python3-venv" >&2
        exit 1
    fi
fi

# One that was made with another Python is made anew.
made_with() { "$1" -c 'import os, sys; print(os.path.realpath(sys._base_executable))' 2>/dev/null; }
[ "$(made_with "$venv/bin/python")" = "$(made_with "$python")" ] || { echo "venv: making $venv" >&2; "$python" -m venv --clear "$venv"; }
rm -f "$stamp"
pip() { "$venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }

echo "venv: installing what requirements/service.txt and dev.txt pin" >&2
pip install --no-deps --require-hashes -r requirements/service.txt
pip install --no-deps -r requirements/dev.txt
pip install --no-deps --no-build-isolation "${distributions[@]/#/--editable=}"
if [ "$kerberos" = yes ]; then
    echo "venv: installing what requirements/kerberos.txt pins (the first time it is compiled)" >&2
    CFLAGS="${CFLAGS:-} -g0" DIST_EXTRA_CONFIG=$PWD/requirements/kerberos.cfg pip install --no-deps --require-hashes -r requirements/kerberos.txt ||
        echo "venv: the Kerberos bindings did not build (see above; Debian needs python3-dev): going on without them" >&2
fi
fingerprint >"$stamp"
