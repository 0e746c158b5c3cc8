# shellcheck shell=bash
# Whether a program is a Node that ours run on: 24.6 or newer, by number. `import.meta.main` came with 24.2, and
# NODE_USE_SYSTEM_CA, which downloads by a company's own certificate authority need, with 24.6.
# usage: node_is_current PROGRAM
node_is_current() {
  [[ $("$1" --version 2>/dev/null) =~ ^v([0-9]+)\.([0-9]+)\. ]] || return 1
  ((BASH_REMATCH[1] > 24 || (BASH_REMATCH[1] == 24 && BASH_REMATCH[2] >= 6)))
}
