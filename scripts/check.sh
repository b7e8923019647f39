#!/bin/bash
# Everything that can be said about the tree without running it.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

bin=${VENV:-.venv}/bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=()

check() { # name, command...
    local name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        echo "check: $name"
    else
        echo "check: $name FAILED"
        cat "$work/log"
        failed+=("$name")
    fi
}

lock_matches_distributions() { "$bin/python" -m pip --disable-pip-version-check check; }

# Nothing is breaking before the first tag, nor against a tag that has no protos.
protos_break_nothing() {
    local tag
    tag=$(git describe --tags --abbrev=0 2>/dev/null) || return 0
    git cat-file -e "$tag:protos" 2>/dev/null || return 0
    "$bin/buf" breaking protos --against ".git#tag=$tag,subdir=protos"
}

stubs_are_fresh() {
    scripts/protos.sh "$work/stubs" || return 1
    local file
    git ls-files 'protos/python/src/*_pb2*.py*' | sed 's|^protos/python/src/||' | LC_ALL=C sort >"$work/committed"
    (cd "$work/stubs" && find . -type f | sed 's|^\./||' | LC_ALL=C sort) >"$work/generated"
    diff "$work/committed" "$work/generated" || { echo "the stubs committed are not those that make protos writes"; return 1; }
    while read -r file; do
        diff -u "protos/python/src/$file" "$work/stubs/$file" || { echo "run make protos and commit what it writes"; return 1; }
    done <"$work/generated"
}

python=()
for folder in service/src client/python/src client/python/tests tests examples; do
    [ -z "$(find "$folder" -name '*.py' -print -quit 2>/dev/null)" ] || python+=("$folder")
done

check "the lock files satisfy the distributions" lock_matches_distributions
check "ruff check" "$bin/ruff" check
check "ruff format" "$bin/ruff" format --check
check "mypy" "$bin/mypy" "${python[@]}"
# A bench imports its neighbours as the scripts they are, from its own folder.
check "mypy of the benches" env MYPYPATH=bench "$bin/mypy" bench
check "imports run one way" "$bin/lint-imports"
check "buf lint" "$bin/buf" lint protos
check "buf breaking" protos_break_nothing
check "stubs are fresh" stubs_are_fresh

[ ${#failed[@]} = 0 ] || { echo "check: failed: ${failed[*]}" >&2; exit 1; }
