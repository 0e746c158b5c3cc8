/**
 * Makes the rows of all sessions again from the audit log, or first the log from its export:
 * `node workers/rebuild.ts [audit.jsonl]`. Nobody else can write meanwhile.
 */
import { createReadStream } from 'node:fs';
import { exportedLines } from '../store/export.ts';
import { openStore } from '../store/open-store.ts';
import { loadConfig } from '../temporal/config.ts';

const [file] = process.argv.slice(2);
const store = await openStore(loadConfig().paths.store);
try {
  const sessions = await store.rebuild(file === undefined ? undefined : exportedLines(createReadStream(file, 'utf8')));
  process.stdout.write(`${sessions} sessions, made again from their records\n`);
} catch (error) {
  process.stderr.write(`Nothing was changed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await store.close();
}
