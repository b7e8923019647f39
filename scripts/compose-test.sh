#!/bin/bash
# Builds the containers, waits until the service is healthy, runs the wire tests in the container beside it, and takes all down again.
# Exit status 77: containers cannot be had here. CONTAINER_KEEP=1 leaves everything running.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p build/containers
exec 9>build/containers/lock
flock 9

project=sspid-test
export CONTAINER_PUBLISH=127.0.0.1:
say() { echo "compose-test: $*"; }

finish() {
    local status=$?
    trap - EXIT
    if declare -F compose >/dev/null; then
        if [ $status != 0 ]; then
            for name in $(podman ps --all --filter "label=io.podman.compose.project=$project" --format '{{.Names}}'); do
                echo "--- $name: $(podman inspect --format '{{.State.Status}}, exit status {{.State.ExitCode}}' "$name")"
                podman logs "$name" 2>&1 | tail -n 200
            done
        fi
        [ -n "${CONTAINER_KEEP:-}" ] || compose --profile test down --volumes --timeout 5 >/dev/null 2>&1 || say "could not take everything down"
    fi
    # What earlier builds left untagged is kept for a day, as the cache of the next ones.
    podman image prune --force --filter label=org.opencontainers.image.title=sspid --filter until=24h >/dev/null 2>&1
    rm -rf "${settings:-}"
    exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM
. scripts/containers.sh

quietly() { # what, command...
    local what=$1 log=build/containers/step.log
    shift
    "$@" >"$log" 2>&1 || { cat "$log"; say "could not $what"; exit 1; }
}

healthy() { # container
    for _ in $(seq 120); do
        podman healthcheck run "$1" >/dev/null 2>&1 && return
        [ "$(podman inspect --format '{{.State.Running}}' "$1")" = true ] || { say "the service stopped while it was waited for"; return 1; }
        sleep 0.5
    done
    say "the service was not healthy within a minute: $(podman healthcheck run "$1" 2>&1)"
    return 1
}

# What the image and docker-compose.yml promise, seen from inside the running container.
hardened() { # container
    podman exec --interactive "$1" python3 - <<'PYTHON'
import importlib.util, os, pathlib, re, shutil, sys

status = pathlib.Path("/proc/1/status").read_text()
wrong = []
if os.getuid() == 0 or re.search(r"^Uid:\s+0\s", status, re.M):
    wrong.append("it runs as root")
if not re.search(r"^CapEff:\s+0+$", status, re.M) or not re.search(r"^CapBnd:\s+0+$", status, re.M):
    wrong.append("it has capabilities")
if not re.search(r"^NoNewPrivs:\s+1$", status, re.M):
    wrong.append("it may gain privileges")
for folder in ("/", "/etc/sspid/tls", "/opt/sspid"):
    if not os.statvfs(folder).f_flag & os.ST_RDONLY:
        wrong.append(f"{folder} can be written")
for tool in ("pip", "pip3", "gcc", "cc", "make", "ld", "git"):
    if shutil.which(tool):
        wrong.append(f"it has {tool}")
for module in ("pip", "setuptools", "wheel", "ensurepip"):
    for python in (sys.executable, shutil.which("python3", path="/usr/local/bin:/usr/bin")):
        if os.system(f"{python} -c 'import {module}' 2>/dev/null") == 0:
            wrong.append(f"{python} has {module}")
if not importlib.util.find_spec("sspid.broker.contexts").origin.endswith(".so"):
    wrong.append("its road of a leg is not compiled")
sys.exit("; ".join(wrong) or 0)
PYTHON
}

say "base image: $CONTAINER_BASE"
quietly "build the images" compose --profile test build
quietly "start the service" compose up --detach service
service=$(podman ps --all --filter "label=io.podman.compose.project=$project" --filter label=com.docker.compose.service=service --format '{{.Names}}')
healthy "$service"
say "the service is healthy"
hardened "$service" || { say "the container is not as hard as it promises"; exit 1; }
compose --profile test run --rm --no-deps -T integration "$@"
podman logs "$service" 2>&1 | grep 'CN=integration' >/dev/null || { say "the service has no line about a call under the tests' certificate"; exit 1; }
quietly "stop the service" podman stop --time 30 "$service"
left=$(podman inspect --format '{{.State.ExitCode}}' "$service")
[ "$left" = 0 ] || { say "on SIGTERM the service ended with exit status $left"; exit 1; }
say "the wire tests passed over mutual TLS, and the service drained and ended with exit status 0"
