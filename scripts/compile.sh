#!/bin/bash
# Compiles what every leg passes (service/setup.py) into build/compiled, as the container has it; does nothing when nothing has changed.
# The tests and benches start the service from there. Without a compiler there is no build/compiled, and the service is plain Python.
set -euo pipefail
trap 'exit 130' INT
cd "$(dirname "$0")/.."

python=${VENV:-.venv}/bin/python
compiled=build/compiled

headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h
if ! command -v gcc >/dev/null || [ ! -e "$headers" ]; then
    rm -rf "$compiled"
    echo "compile: gcc and Python's headers are needed (on Debian: apt-get install gcc libc6-dev python3-dev); going on with plain Python" >&2
    [ -z "${TEST_REQUIRE_PEERS:-}" ] || exit 1
    exit 0
fi

fingerprint() {
    "$python" -c 'import sys; print(sys._base_executable, sys.version)'
    find service/setup.py service/pyproject.toml service/src requirements/dev.txt scripts/compile.sh \( -name __pycache__ -o -name '*.egg-info' \) -prune -o -type f -print0 |
        LC_ALL=C sort -z | xargs -0 sha256sum
}
if [ "$(cat "$compiled/.stamp" 2>/dev/null)" = "$(fingerprint)" ]; then exit 0; fi

echo "compile: the service into $compiled (about a minute)" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r service "$work"
rm -rf "$work/service/build" "$compiled"
BUILD_COMPILED=1 "$python" -m pip --quiet --disable-pip-version-check install --no-deps --no-build-isolation --target "$compiled" "$work/service"
fingerprint >"$compiled/.stamp"
