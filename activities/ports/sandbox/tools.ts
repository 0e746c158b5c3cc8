/** Programs of the host, by argv, with an environment that holds nothing of ours. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { failures } from '../../../temporal/contract/messages.ts';
import { trouble } from '../../failures.ts';

const run = promisify(execFile);
const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
const timeoutMs = 60_000;

/** Runs a program to its end. Rejects `Sandbox.Unavailable` with what it said. */
export async function tool(command: string, argv: readonly string[]): Promise<void> {
  try {
    await run(command, argv, { env, timeout: timeoutMs });
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw trouble(
      failures.sandboxUnavailable,
      `${command} ${argv.at(-1) ?? ''} failed: ${said || String(error)}. Is the disk full, or a package missing? See \`aas doctor\``,
      error,
    );
  }
}
