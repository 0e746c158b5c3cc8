#!/usr/bin/env bash
# Sees to it that there is a container engine: one that answers, or Podman, whose service `aas up` starts.
# usage: scripts/engine.sh
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# runc, as crun refuses machines with both cgroup versions; tini-static as the init of containers; mkfs for worktrees.
DEBIAN_PACKAGES=(podman runc uidmap tini e2fsprogs iptables)
FEDORA_PACKAGES=(podman runc shadow-utils tini-static e2fsprogs iptables)

podman_is_complete() { have podman && have runc && have mkfs.ext4 && [ -x /usr/bin/tini-static ]; }

main() {
  local host status=0
  host=$(run_node scripts/find-engine.ts) || status=$?
  [ "$status" -le 1 ] || exit "$status"
  if [ -n "$host" ]; then
    say "container engine: $host"
    return
  fi
  if ! podman_is_complete; then
    apt_install 'no container engine answers and Podman is not complete' "${DEBIAN_PACKAGES[@]}" || fail "There is no \
container engine. Start Docker, or install Podman:
  Debian, Ubuntu: sudo apt-get install -y ${DEBIAN_PACKAGES[*]}
  Fedora:         sudo dnf install -y ${FEDORA_PACKAGES[*]}
then run this again."
  fi
  say "container engine: $(podman --version), as a service that \`aas up\` starts"
}
main
