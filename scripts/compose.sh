#!/bin/bash
# docker-compose.yml with podman-compose and a base image that can be had here; the arguments are podman-compose's own.
set -euo pipefail
cd "$(dirname "$0")/.."

project=sspid
trap 'rm -rf "${settings:-}"' EXIT
. scripts/containers.sh
compose "$@"
