import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../temporal/config.ts';
import type { Config } from '../../temporal/config.ts';
import { describeState, down } from '../../workers/stack/commands.ts';
import { endLeftovers, lockStack, readState, writeState } from '../../workers/stack/state.ts';
import type { StackState } from '../../workers/stack/state.ts';
import { isGone } from '../helpers/alive.ts';

let home: string;
let engine: Server;
let environment: Record<string, string>;
let config: Config;
const started: ChildProcess[] = [];

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'stack-'));
  // What an engine is to `up` while nobody runs a container: something that answers.
  engine = createServer((request, response) => response.writeHead(request.url === '/_ping' ? 200 : 404).end());
  await once(engine.listen(join(home, 'docker.sock')), 'listening');
  environment = {
    PATH: '/usr/bin:/bin',
    AAS_HOME: join(home, 'aas'),
    AAS_CONTAINER_HOST: `unix://${join(home, 'docker.sock')}`,
    // Any port: on the usual ones another stack may sit down while ours starts its server again.
    AAS_TEMPORAL_ADDRESS: '127.0.0.1:0',
    AAS_TEMPORAL_UI: 'http://localhost:0',
    AAS_API_PORT: '0',
    AAS_SANDBOX_IMAGE: 'brought-by-the-operator:1',
  };
  config = loadConfig(environment);
});
afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  }
  engine.close();
  rmSync(home, { recursive: true });
});

/** Starts a stack of stand-ins in a process of its own; resolves with it once it is ready or has ended. */
async function startStack(...workers: string[]): Promise<{ child: ChildProcess; said: () => string }> {
  const main = join(import.meta.dirname, 'stand-ins', 'stack.ts');
  const child = spawn(process.execPath, [main, ...workers], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  started.push(child);
  let said = '';
  child.stdout?.on('data', (bytes: Buffer) => (said += bytes.toString()));
  child.stderr?.on('data', (bytes: Buffer) => (said += bytes.toString()));
  await Promise.race([once(child, 'message'), once(child, 'close')]);
  return { child, said: () => said };
}

describe('the stack', () => {
  test('says where everything is, to its owner alone, and leaves nothing when it ends', async () => {
    const { child } = await startStack('one', 'two');
    const state = readState(config);
    expect(state).toMatchObject({
      pid: child.pid,
      ready: true,
      container: { host: environment['AAS_CONTAINER_HOST'] },
    });
    expect(state?.processes.map(({ name }) => name)).toEqual(['temporal', 'one', 'two']);
    expect((await fetch(state?.temporal.ui ?? '')).status).toBe(200);
    expect(statSync(join(config.paths.run, 'stack.json')).mode & 0o777).toBe(0o600);
    expect(describeState(state).join('\n')).toContain(`(pid ${child.pid})`);

    expect(await down(config)).toBe(true);
    expect(state?.processes.map(({ pid }) => isGone(pid))).toEqual([true, true, true]);
    expect(existsSync(join(config.paths.run, 'stack.json'))).toBe(false);
    expect(readState(config)).toBeUndefined();
    expect(await down(config)).toBe(false);
  });

  test('is the only one of its home', async () => {
    const first = await startStack('one');
    const second = await startStack('one');
    expect(second.child.exitCode).toBe(1);
    expect(second.said()).toContain(
      `runs already (pid ${first.child.pid}). See it with: aas status. End it with: aas down`,
    );
    expect(readState(config)?.pid).toBe(first.child.pid);
  });

  test('publishes the new pid of a process that was killed', async () => {
    await startStack('one');
    const pidOf = (name: string) => readState(config)?.processes.find((each) => each.name === name)?.pid ?? 0;
    for (const name of ['one', 'temporal']) {
      const before = pidOf(name);
      process.kill(before, 'SIGKILL');
      await expect.poll(() => pidOf(name), { timeout: 10_000 }).not.toBe(before);
      expect(isGone(pidOf(name))).toBe(false);
    }
  });

  describe('while its own processes start', () => {
    /** The server that all share, as the state shows it; the stack is killed afterwards. */
    async function whileStarting(look: (server: () => StackState['processes'][number] | undefined) => Promise<void>) {
      const starting = startStack('silent');
      const server = () => readState(config)?.processes.find(({ name }) => name === 'temporal');
      try {
        await expect.poll(server, { timeout: 10_000 }).toBeDefined();
        await look(server);
        expect(readState(config)?.ready).toBe(false);
      } finally {
        started.at(-1)?.kill('SIGKILL');
        await starting;
      }
    }

    test('publishes what all share, so that the next start finds what outlives it', async () => {
      await whileStarting(async (server) => expect(isGone(server()?.pid ?? 0)).toBe(false));
    });

    test('is not ready for having started one of them again', async () => {
      await whileStarting(async (server) => {
        process.kill(server()?.pid ?? 0, 'SIGKILL');
        await expect.poll(() => server()?.restarts, { timeout: 10_000 }).toBe(1);
      });
    });
  });

  test('takes its processes along when it is killed, and can be started again', async () => {
    const { child } = await startStack('one', 'two');
    const pids = readState(config)?.processes.map(({ pid }) => pid) ?? [];
    child.kill('SIGKILL');
    await expect.poll(() => pids.map(isGone), { timeout: 5_000 }).toEqual([true, true, true]);
    expect(readState(config)).toBeUndefined();
    await startStack('one');
    expect(readState(config)?.ready).toBe(true);
  });

  test('ends an engine that a killed one left, and no process that only got its number', async () => {
    const left = spawn('tail', ['-f', '/dev/null', join(home, 'docker.sock')], { stdio: 'ignore' });
    const stranger = spawn('tail', ['-f', '/dev/null'], { stdio: 'ignore' });
    started.push(left, stranger);
    await Promise.all([once(left, 'spawn'), once(stranger, 'spawn')]);
    const unlock = lockStack(config);
    const processes = [left, stranger].map(({ pid = 0 }) => ({ name: 'engine', pid, restarts: 0 }));
    const api = { url: 'http://localhost:1' };
    const temporal = { address: '127.0.0.1:1', ui: null };
    writeState(config, { pid: 1, startedAt: '', ready: true, temporal, api, container: { host: '' }, processes });
    endLeftovers({ ...config, home });
    await once(left, 'exit');
    expect(isGone(stranger.pid ?? 0)).toBe(false);
    unlock?.();
  });
});
