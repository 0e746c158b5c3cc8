#!/usr/bin/env bash
# `make demo`: what is missing is set up, then one governed session runs to its end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh
export PATH="$PWD/.tools/node/bin:$PATH"
exec node scripts/demo.ts
