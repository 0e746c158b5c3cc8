/**
 * The embedded stack: `up [--detach]`, `down`, `status [--json]`.
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

const usage = 'usage: node workers/stack.ts up [--detach] | down | status [--json]';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const verbs: Record<string, (config: Config, flags: { detach: boolean; json: boolean }) => Promise<void>> = {
  async up(config, { detach }) {
    if (detach) {
      await upDetached(config, fileURLToPath(import.meta.url));
      describeState(readState(config)).forEach(print);
      return;
    }
    const ending = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
    const onReady = (): void => {
      describeState(readState(config)).forEach(print);
      process.send?.('ready');
    };
    await up({ config, signal: ending.signal, say: print, onReady });
  },

  async down(config) {
    print((await down(config)) ? 'stopped' : 'not running');
  },

  status(config, { json }) {
    const state = readState(config);
    if (json) print(JSON.stringify({ running: state !== undefined, ...state }));
    else describeState(state).forEach(print);
    if (state === undefined) process.exitCode = 1;
    return Promise.resolve();
  },
};

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
