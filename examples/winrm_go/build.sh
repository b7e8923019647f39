#!/bin/sh
# Builds the program from its sources and the protos: build.sh OUT makes OUT/winrm, and everything generated stays under OUT.
# PROTOC names the protobuf compiler ("protoc" unless said otherwise; it may be a command with arguments).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
protos=$(cd "$here/../../protos" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)

cp "$here"/*.go "$here/go.mod" "$here/go.sum" "$out"
cd "$out"
go build -o bin/ google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc

mapping=
for file in "$protos"/sspi/v1/*.proto; do
    mapping="$mapping,Msspi/v1/$(basename "$file")=winrm/sspi/v1"
done
PATH="$out/bin:$PATH" ${PROTOC:-protoc} -I "$protos" \
    --go_out=. --go_opt="module=winrm$mapping" \
    --go-grpc_out=. --go-grpc_opt="module=winrm$mapping" \
    "$protos"/sspi/v1/*.proto
go build -o winrm .
