/**
 * The embedded stack: `up [--detach]`, `down`, `status`. With `--json` each prints one document on standard output, `up` as
 * soon as everything is ready, and says the rest on standard error.
 *
 * It holds no secret itself: it makes the keys, and hands each process the folder with its own.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadConfig } from '../temporal/config.ts';
import type { Config } from '../temporal/config.ts';
import { describeState, down, upDetached } from './stack/commands.ts';
import { readState } from './stack/state.ts';
import { up } from './stack/up.ts';

const usage = 'usage: node workers/stack.ts up [--detach] | down | status, each with [--json]';

// Whoever reads us may have read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const note = (line: string): void => void process.stderr.write(`${line}\n`);

interface Flags {
  readonly detach: boolean;
  readonly json: boolean;
}

const verbs: Record<string, (config: Config, flags: Flags) => Promise<void>> = {
  async up(config, { detach, json }) {
    if (detach) {
      await upDetached(config, fileURLToPath(import.meta.url));
      tell(config, json);
      return;
    }
    const ending = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
    const onReady = (): void => {
      tell(config, json);
      process.send?.('ready');
    };
    await up({ config, signal: ending.signal, say: json ? note : print, onReady });
  },

  async down(config, { json }) {
    const stopped = await down(config);
    print(json ? JSON.stringify({ running: false, stopped }) : stopped ? 'stopped' : 'not running');
  },

  status(config, { json }) {
    if (!tell(config, json)) process.exitCode = 1;
    return Promise.resolve();
  },
};

/** Says what runs, and returns whether anything does. */
function tell(config: Config, json: boolean): boolean {
  const state = readState(config);
  if (json) print(JSON.stringify({ running: state !== undefined, ...state }));
  else describeState(state).forEach(print);
  return state !== undefined;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { detach: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  });
  const verb = verbs[positionals[0] ?? ''];
  if (verb === undefined || positionals.length !== 1) throw new Error(usage);
  await verb(loadConfig(), values);
}

await main().catch((error: unknown) => {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
