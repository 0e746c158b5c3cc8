import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { nodeProcess } from '../../workers/stack/node-process.ts';
import { supervise, superviseAll } from '../../workers/stack/supervisor.ts';
import type { Supervised } from '../../workers/stack/supervisor.ts';
import { isGone } from '../helpers/alive.ts';

let folder: string;
let lines: string[];
const running: Supervised[] = [];
const options = { log: (line: string) => void lines.push(line), onRestart: vi.fn() };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'supervisor-'));
  lines = [];
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()));
  rmSync(folder, { recursive: true });
  vi.unstubAllEnvs();
});

const standIn = (name: string, env: Record<string, string> = {}) =>
  nodeProcess({ name, main: [join(import.meta.dirname, 'stand-ins', `${name}.ts`)], env }, folder);

async function supervised(name: string, env?: Record<string, string>): Promise<Supervised> {
  const each = await supervise(standIn(name, env), options);
  running.push(each);
  return each;
}

describe('a supervised process', () => {
  test('is started again with another pid after a SIGKILL, and again', async () => {
    const worker = await supervised('worker');
    for (const restarts of [1, 2]) {
      const { pid } = worker;
      process.kill(pid, 'SIGKILL');
      await expect.poll(() => worker.restarts, { timeout: 5_000 }).toBe(restarts);
      expect(worker.pid).not.toBe(pid);
      expect(isGone(worker.pid)).toBe(false);
    }
    expect(lines[0]).toBe('worker ended with SIGKILL; starting it again in 100 ms');
    expect(options.onRestart).toHaveBeenCalledTimes(2);
  });

  test('waits twice as long each time while it keeps crashing', async () => {
    await supervised('short-lived');
    await expect.poll(() => lines.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(4);
    expect(lines.slice(0, 4).map((line) => /in (\d+) ms$/.exec(line)?.[1])).toEqual(['100', '200', '400', '800']);
  });

  test('gets to know what its row says and nothing of the environment around it', async () => {
    vi.stubEnv('AAS_TOKEN', 'canary');
    await supervised('worker', { CAPABILITIES: 'source' });
    const [, text = ''] = /^environment (.*)$/m.exec(readFileSync(join(folder, 'worker.log'), 'utf8')) ?? [];
    const known = Object.keys(JSON.parse(text) as object).filter((name) => !/^(PWD|SHLVL|_)$/.test(name));
    expect(known.sort()).toEqual(['CAPABILITIES']);
  });

  test('is gone, and stays so, once it was stopped', async () => {
    const worker = await supervised('worker');
    const { pid } = worker;
    await worker.stop();
    expect(isGone(pid)).toBe(true);
    expect(worker.restarts).toBe(0);
  });

  test('that cannot start the first time is an error which quotes its log, and stops the others', async () => {
    const worker = standIn('worker');
    const pids: number[] = [];
    const watched = {
      ...worker,
      start: async () => {
        const run = await worker.start();
        pids.push(run.pid);
        return run;
      },
    };
    await expect(superviseAll([watched, standIn('broken')], options)).rejects.toThrow(
      /^broken ended with 3 before it was ready\. .*broken\.log says:\nAAS_THING is not set$/,
    );
    expect(pids.map(isGone)).toEqual([true]);
  });
});
