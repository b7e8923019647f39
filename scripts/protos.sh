#!/bin/bash
# Regenerates the Python stubs of protos/sspi into the folder given (default: protos/python/src).
set -euo pipefail
cd "$(dirname "$0")/.."

bin=$(cd "${VENV:-.venv}/bin" && pwd)
out=${1:-protos/python/src}/sspid_protos
mkdir -p "$out"
find "$out" -name '*_pb2*.py*' -delete

cd protos
mapfile -t protos < <(find sspi -name '*.proto' | LC_ALL=C sort)
cd ..
PATH="$bin:$PATH" "$bin/python" -m grpc_tools.protoc -Iprotos \
    --python_out="$out" --pyi_out="$out" --grpc_python_out="$out" --mypy_grpc_out=quiet:"$out" "${protos[@]}"
# protoc knows no prefix for Python packages, and the name `sspi` alone belongs to another module.
find "$out" -name '*_pb2*.py*' -exec sed -i 's/^from sspi\.v1 import/from sspid_protos.sspi.v1 import/' {} +
