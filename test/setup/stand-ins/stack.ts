/** A whole stack of stand-ins: node stack.ts WORKER... runs until SIGTERM. */
import { join } from 'node:path';
import { loadConfig } from '../../../temporal/config.ts';
import { up } from '../../../workers/stack/up.ts';

const ending = new AbortController();
process.once('SIGTERM', () => ending.abort());
await up({
  config: loadConfig(),
  signal: ending.signal,
  say: (line) => process.stdout.write(`${line}\n`),
  onReady: () => process.send?.('ready'),
  table: () =>
    process.argv.slice(2).map((name) => ({
      name,
      main: [join(import.meta.dirname, 'worker.ts')],
      env: { PATH: '/usr/bin:/bin', NAME: name },
    })),
}).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
