#!/usr/bin/env bash
# Runs the suite and says last how it went: `N passed, N failed`. A run that fails otherwise than by a test (something was
# left behind, nothing could be started) has failed in that line too. Exits with the suite's own code.
# usage: scripts/test.sh [ARGUMENT OF VITEST...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PWD/.tools/node/bin:$PATH

AAS_TEST_COUNT=$(mktemp)
export AAS_TEST_COUNT
trap 'rm -f "$AAS_TEST_COUNT"' EXIT
code=0
node node_modules/vitest/vitest.mjs run "$@" || code=$?
count=$(<"$AAS_TEST_COUNT")
count=${count:-0 passed, 0 failed}
[ "$code" = 0 ] || count=${count/ 0 failed/ 1 failed}

if [ "$code" != 0 ] && [ ! -t 2 ] && [[ $(<"/proc/$PPID/comm") = *make ]]; then
  # make has a word of its own about a failed recipe, and whoever reads both takes the last line. It has none once it has
  # ended: also before anybody asked for its exit code.
  (while [ -e "/proc/$PPID/exe" ]; do sleep 0.001; done && echo "$count") &
else
  echo "$count"
fi
exit "$code"
