#!/usr/bin/env bash
# Asks the registry whether a dependency has a known weakness of high severity or worse; says so where it does not answer.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$ROOT"
report=$(node "$TOOLS/npm/bin/npm-cli.js" audit --json --loglevel=silent || true)
if ! node -e 'process.exit(JSON.parse(process.argv[1]).auditReportVersion ? 0 : 1)' "$report" 2>/dev/null; then
  echo 'dependency audit: this registry offers none; run it again where one does'
  exit 0
fi
node -e '
  const { vulnerabilities } = JSON.parse(process.argv[1]);
  const grave = Object.values(vulnerabilities).filter(({ severity }) => ["high", "critical"].includes(severity));
  for (const { name, severity, range } of grave) console.log(`${severity}: ${name} ${range}`);
  console.log(`dependency audit: ${Object.keys(vulnerabilities).length} known weaknesses, ${grave.length} of them grave`);
  process.exit(grave.length > 0 ? 1 : 0);' "$report"
