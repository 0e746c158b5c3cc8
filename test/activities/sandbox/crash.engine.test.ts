import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, test } from 'vitest';
import type { Attendance } from './attendant.ts';
import { openHost, shell } from './sandbox-host.ts';
import type { TestHost } from './sandbox-host.ts';
import { watchStarts } from './starts.ts';

const attendant = fileURLToPath(new URL('attendant.ts', import.meta.url));

/** Starts a process that attends the run, and SIGKILLs it when it says `moment`, or so many milliseconds after its start. */
async function killWhen(host: TestHost, what: ReturnType<typeof shell>, moment: string | number): Promise<void> {
  const { name, session, stream, image, argv, timeoutMs, limits } = what;
  const attendance: Attendance = {
    host: `unix://${host.engine.socket}`,
    root: host.root,
    directory: host.directory,
    task: { name, session, stream, image, argv, timeoutMs, limits },
    hangInCollect: moment === 'collecting',
  };
  const child = fork(attendant, [JSON.stringify(attendance)], { stdio: 'inherit' });
  const gone = once(child, 'exit');
  const reached = new Promise<void>((resolve) => {
    child.on('message', (message) => {
      if (message === moment) resolve();
      if (message === 'attending' && typeof moment === 'number') setTimeout(resolve, moment);
    });
  });
  await Promise.race([reached, gone]);
  child.kill('SIGKILL');
  await gone;
}

const lines = 200;
const counting = (pause: string) =>
  shell(`for i in $(seq ${lines}); do echo line $i; sleep ${pause}; done; echo made > made`, {
    collect: ({ directory }) => readFile(join(directory, 'made'), 'utf8'),
  });
const everyLine = Array.from({ length: lines }, (_, i) => `line ${i + 1}\n`).join('');

describe.each([...inject('engines')])('a run on $kind whose worker is killed', (engine) => {
  test('is attended by the next worker, in the same container, and no line is missed', async () => {
    const host = await openHost(engine);
    const starts = await watchStarts(engine.host);
    const what = counting('0.01');
    await killWhen(host, what, 'printed');
    expect(await host.engine.state(what.name)).toMatchObject({ phase: 'running' });
    const outcome = await host.run(what);
    expect(outcome).toMatchObject({ verdict: 'exited', exitCode: 0, collected: 'made\n' });
    expect(await host.text(outcome.output)).toBe(everyLine);
    expect(await host.live(what)).toBe(everyLine);
    expect(await starts(what.name)).toBe(1);
    expect(await host.leftovers()).toEqual([]);
  });

  test('and whose container somebody removed meanwhile is not run again', async () => {
    const host = await openHost(engine);
    const starts = await watchStarts(engine.host);
    const what = shell('echo up; sleep 60');
    await killWhen(host, what, 'printed');
    await host.engine.remove(what.name);
    expect(await host.run(what)).toMatchObject({ verdict: 'killed', exitCode: null });
    expect(await starts(what.name)).toBe(1);
    expect(await host.leftovers()).toEqual([]);
  });

  test('between its end and the result is not run again', async () => {
    const host = await openHost(engine);
    const starts = await watchStarts(engine.host);
    const what = counting('0');
    await killWhen(host, what, 'collecting');
    expect(await host.run(what)).toMatchObject({ verdict: 'exited', exitCode: 0, collected: 'made\n' });
    expect(await host.live(what)).toBe(everyLine);
    expect(await starts(what.name)).toBe(1);
    expect(await host.leftovers()).toEqual([]);
  });

  test('keeps its time limit while nobody attends it', async () => {
    const host = await openHost(engine);
    const what = shell('echo up; sleep 60', { timeoutMs: 1500 });
    await killWhen(host, what, 'printed');
    await delay(1500);
    const before = Date.now();
    expect(await host.run(what)).toMatchObject({ verdict: 'timeout', exitCode: null });
    expect(Date.now() - before).toBeLessThan(1500);
  });

  // Each lands somewhere else between the first folder and the last removal.
  test.each([0, 10, 25, 45, 70, 100, 140, 200])('at %i ms of its life is one run all the same', async (ms) => {
    const host = await openHost(engine);
    const starts = await watchStarts(engine.host);
    const what = shell('for i in $(seq 20); do echo line $i; done; echo made > made', {
      collect: ({ directory }) => readFile(join(directory, 'made'), 'utf8'),
    });
    await killWhen(host, what, ms);
    const outcome = await host.run(what);
    expect(outcome).toMatchObject({ verdict: 'exited', exitCode: 0, collected: 'made\n' });
    expect(await host.live(what)).toBe(everyLine.split('\n').slice(0, 20).join('\n') + '\n');
    expect(await starts(what.name)).toBe(1);
    expect(await host.leftovers()).toEqual([]);
  });
});
