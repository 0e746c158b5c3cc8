/** Prints the address of the container engine that answers. Exit code 1: none does; 2: the configured one does not. */
import { loadConfig } from '../temporal/config.ts';
import { findEngine } from '../workers/stack/engine-host.ts';

try {
  const host = await findEngine(loadConfig());
  if (host === undefined) process.exitCode = 1;
  else process.stdout.write(`${host}\n`);
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
