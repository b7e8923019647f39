#!/bin/bash
# Prints the name of the image the containers are built on, after making it where it is missing. The first of: what CONTAINER_BASE
# names; an image of Debian's Python made here; python:3.11-slim pulled. Exit status 77: this machine can have none of them.
# With --mirror: prints where this machine's apt has Debian 12 from.
set -euo pipefail
cd "$(dirname "$0")/.."

official=python:3.11-slim
ours=localhost/sspid-base:bookworm
cache=$PWD/build/containers

mirror() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | awk '$2 == "bookworm" { print $1; exit }'
}

make_rootfs() { # from the mirror this machine's own apt uses
    local mirror work
    mirror=$(mirror)
    [ -n "$mirror" ] || return 1
    work=$(mktemp -d "$cache/rootfs.XXXXXX")
    debootstrap --variant=minbase --include=ca-certificates,python3,python3-pip,python3-venv bookworm "$work" "$mirror" >"$cache/debootstrap.log" 2>&1 ||
        { cat "$cache/debootstrap.log" >&2; rm -rf --one-file-system "$work"; return 1; }
    rm -rf "$work"/etc/apt/sources.list "$work"/var/cache/apt/* "$work"/var/lib/apt/lists/* "$work"/var/log/* "$work"/usr/share/{doc,man,locale}/*
    tar -C "$work" -cf "$cache/rootfs.tar.part" .
    mv "$cache/rootfs.tar.part" "$cache/rootfs.tar"
    rm -rf --one-file-system "$work"
}

if [ "${1:-}" = --mirror ]; then
    mirror
elif [ -n "${CONTAINER_BASE:-}" ]; then
    echo "$CONTAINER_BASE"
elif podman image exists "$ours"; then
    echo "$ours"
elif [ "$(id -u)" = 0 ] && command -v debootstrap >/dev/null && command -v apt-get >/dev/null; then
    mkdir -p "$cache"
    [ -e "$cache/rootfs.tar" ] || { echo "containers: making a base image from Debian's packages" >&2; make_rootfs; }
    podman import --quiet --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' "$cache/rootfs.tar" "$ours" >&2
    echo "$ours"
elif podman image exists "$official" || podman pull --quiet "$official" >&2; then
    echo "$official"
else
    echo "containers: no base image: neither root with debootstrap (apt-get install debootstrap) nor a registry that has $official" >&2
    exit 77
fi
