#!/usr/bin/env bash
# The published package that the end-to-end test mends: pinned by checksum, kept in .tools.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec python3 scripts/fetch-test-package.py .tools/packages
