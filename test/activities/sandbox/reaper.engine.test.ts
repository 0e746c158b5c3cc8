import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { reap } from '../../../activities/ports/sandbox/reap.ts';
import { runPaths } from '../../../activities/ports/sandbox/paths.ts';
import { containerSpec } from '../../../activities/ports/sandbox/run-spec.ts';
import { Detached } from '../../../activities/ports/sandbox/task.ts';
import { openHost, shell } from './sandbox-host.ts';
import type { TestHost } from './sandbox-host.ts';

const leaseMs = 5_000;

/** Starts a run and lets go of it, as a worker that is gone. */
async function abandon(host: TestHost, what = shell('echo up; sleep 60')) {
  const worker = new AbortController();
  const onProgress = ({ outputBytes }: { outputBytes: number }) => {
    if (outputBytes > 0) worker.abort(new Detached('gone'));
  };
  await expect(host.run(what, { signal: worker.signal, onProgress })).rejects.toThrow('gone');
  return what;
}

async function age(host: TestHost, name: string, ms: number): Promise<void> {
  const then = new Date(Date.now() - ms);
  await utimes(runPaths(host.directory, name).lease, then, then);
}

describe.each([...inject('engines')])('the reaper on $kind', (engine) => {
  test("leaves alone what is attended, and what is another installation's or another host's", async () => {
    const host = await openHost(engine);
    const { name } = await abandon(host);
    const scope = { ...host, hostId: 'test', leaseMs };
    expect(await reap(scope)).toEqual([]);
    await age(host, name, 60_000);
    expect(await reap({ ...scope, instance: 'another', directory: '/nonexistent' })).toEqual([]);
    expect(await reap({ ...scope, hostId: 'another', directory: '/nonexistent' })).toEqual([]);
    expect(await host.engine.state(name)).toMatchObject({ phase: 'running' });
  });

  test('leaves a run alone that takes longer than its lease, as long as somebody attends it', async () => {
    const shortMs = 400;
    const host = await openHost(engine, undefined, shortMs);
    const ended = host.run(shell('sleep 2; echo done'));
    let running = true;
    const stop = () => (running = false);
    ended.then(stop, stop);
    const reaped = [];
    while (running) {
      reaped.push(...(await reap({ ...host, hostId: 'test', leaseMs: shortMs })));
      await delay(20);
    }
    expect(await ended).toMatchObject({ verdict: 'exited', exitCode: 0 });
    expect(reaped).toEqual([]);
  });

  test('removes what nobody attends, whole, and no later attempt starts it again', async () => {
    const host = await openHost(engine);
    const what = await abandon(host);
    await age(host, what.name, leaseMs + 1000);
    const reaped = await reap({ ...host, hostId: 'test', leaseMs });
    expect(reaped).toEqual([
      { name: what.name, what: 'container', reason: expect.stringMatching(/nobody attended it for 6 s/) as string },
    ]);
    expect(await host.leftovers()).toEqual([]);
    const outcome = await host.run(what);
    expect(outcome).toMatchObject({ verdict: 'killed', exitCode: null, collected: null });
    expect(await host.text(outcome.output)).toContain('removed by the reaper: nobody attended it');
    expect(await host.engine.state(what.name)).toBeNull();
  });

  test('removes what is past its deadline, attended or not', async () => {
    const host = await openHost(engine);
    const what = shell('true', { timeoutMs: -15 * 60_000 });
    const paths = runPaths(host.directory, what.name);
    await mkdir(paths.tree, { recursive: true });
    await mkdir(paths.spool, { recursive: true });
    await writeFile(paths.lease, '');
    await host.engine.create(containerSpec(what, paths, { uid: 10_001, gid: 10_001 }, { ...host, hostId: 'test' }));
    const scope = { ...host, hostId: 'test', leaseMs };
    expect(await reap(scope)).toMatchObject([{ name: what.name, reason: 'its deadline has passed' }]);
    expect(await host.leftovers()).toEqual([]);
  });

  test('removes the mount and the number of a run that lost its container, and old user numbers', async () => {
    const host = await openHost(engine);
    const { name } = await abandon(host);
    await host.engine.remove(name);
    await age(host, name, leaseMs + 1000);
    const orphan = join(host.directory, 'uids', '14000');
    await writeFile(orphan, 'aas-gone');
    await utimes(orphan, 0, 0);
    expect(await reap({ ...host, hostId: 'test', leaseMs })).toMatchObject([{ name, what: 'worktree' }]);
    expect(await host.leftovers()).toEqual([]);
  });

  test('is a process of its own that says what it removed, waits for its engine, and stops when told', async () => {
    const host = await openHost(engine);
    const home = join(host.root, 'home');
    const directory = join(home, 'hosts', 'test');
    await mkdir(directory, { recursive: true });
    const main = fileURLToPath(new URL('../../../workers/reaper.ts', import.meta.url));
    const env = {
      ...process.env,
      AAS_HOME: home,
      HOST_ID: 'test',
      AAS_CONTAINER_HOST: engine.host,
      AAS_LEASE_MS: '1000',
    };
    const reaper = spawn(process.execPath, [main], { env, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    onTestFinished(() => void reaper.kill('SIGKILL'));
    let said = '';
    reaper.stderr?.on('data', (text) => (said += String(text)));
    expect((await once(reaper, 'message'))[0]).toBe('ready');

    const orphan = join(directory, 'runs', 'aas-orphan');
    await mkdir(orphan, { recursive: true });
    await utimes(orphan, 0, 0);
    while (!said.includes('removed worktree')) await once(reaper.stderr ?? reaper, 'data');
    await expect(access(orphan)).rejects.toThrow();
    expect(await readdir(join(directory, 'runs'))).toEqual([]);

    reaper.kill('SIGTERM');
    expect(await once(reaper, 'exit')).toEqual([0, null]);
  });
});
