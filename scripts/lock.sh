#!/bin/bash
# Writes the lock files of requirements/ from the pyproject.toml files and the .in files, in a throw-away environment.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
python3 -m venv "$work/tools"
"$work/tools/bin/python" -m pip --quiet --disable-pip-version-check install pip-tools
pip="$work/venv/bin/python -m pip --quiet --disable-pip-version-check"

dependencies() { # pyproject.toml: its dependencies that are not ours, one a line
    "$work/venv/bin/python" - "$@" <<'PYTHON'
import sys, tomllib
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        for requirement in tomllib.load(file)["project"].get("dependencies", []):
            if not requirement.startswith("sspid"):
                print(requirement)
PYTHON
}

hash_lock() { # what is wanted, file of requirements, sentence: with the hash of every file that the index has of each
    "$work/tools/bin/pip-compile" --quiet --generate-hashes --allow-unsafe --strip-extras --no-annotate --no-header \
        --no-emit-index-url --no-emit-trusted-host --output-file "$work/hashed" "$1"
    { echo "# $3 Written by \`make lock\`."; cat "$work/hashed"; } >"requirements/$2"
}

lock() { # file of requirements, sentence: everything installed so far
    { echo "# $2 Written by \`make lock\`."; $pip freeze --all --exclude pip; } >"requirements/$1"
}

dependencies protos/python/pyproject.toml service/pyproject.toml >"$work/service.in"
dependencies client/python/pyproject.toml >"$work/client.in"

$pip uninstall --yes setuptools
hash_lock "$work/service.in" service.txt "What the service runs on, and nothing else; only these very files are installed."
$pip install --no-deps --require-hashes -r requirements/service.txt
$pip install -r "$work/client.in" -r requirements/dev.in
lock dev.txt "Everything of .venv."
hash_lock requirements/kerberos.in kerberos.txt "What Kerberos needs beside, as source: compiled against MIT Kerberos' headers."
