#!/bin/sh
# Turns a Debian root file system with the packages of ./packages into the sandbox's: Node and npm, the places where
# mounts go, nothing setuid, nothing that differs between two builds. Both builds of the image end with it.
# usage: finish.sh ROOT NODE_TARBALL NPM_TARBALL
set -eu
root=$1 node=$2 npm=$3

tar -xzf "$node" -C "$root/usr/local" --strip-components=1 --no-same-owner package/bin/node
modules="$root/usr/local/lib/node_modules"
mkdir -p "$modules/npm"
tar -xzf "$npm" -C "$modules/npm" --strip-components=1 --no-same-owner
rm -rf "$modules/npm/man" "$modules/npm/docs"
chmod -R u=rwX,go=rX "$root/usr/local"
ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
chmod 0755 "$root/usr/local/bin/node" "$modules/npm/bin/npm-cli.js" "$modules/npm/bin/npx-cli.js"

# The root is mounted read-only, so every mount point has to be here already. Each sandbox runs as a user of its own
# number; the name only keeps tools quiet that look up who they are.
mkdir -p "$root/workspace" "$root/run/gw" "$root/home/agent"
chmod 1777 "$root/home/agent"
grep -q '^agent:' "$root/etc/passwd" || {
  echo 'agent:x:10001:10001:agent:/home/agent:/bin/bash' >> "$root/etc/passwd"
  echo 'agent:x:10001:' >> "$root/etc/group"
}

find "$root" -xdev -type f -perm /6000 -exec chmod a-s {} +
find "$root" -xdev -type d -perm /2000 -exec chmod g-s {} +

# Python's own tools are compiled while they run, which gives other bytes each time.
rm -rf "$root"/usr/share/python3/debpython/__pycache__
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/cache/debconf/*-old "$root"/var/cache/ldconfig/* \
  "$root"/var/log/* "$root"/var/lib/dpkg/*-old "$root"/etc/*- "$root"/usr/share/doc/* "$root"/usr/share/man/* \
  "$root"/usr/share/info/* "$root"/usr/share/locale/*
: > "$root/etc/machine-id"
