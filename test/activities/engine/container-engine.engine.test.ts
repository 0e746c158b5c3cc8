import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { connectEngine } from '../../../activities/ports/engine/discover.ts';
import { StartFailed } from '../../../activities/ports/engine/port.ts';
import type { ContainerEngine, ContainerSpec } from '../../../activities/ports/engine/port.ts';
import { labels } from '../../../activities/ports/sandbox/labels.ts';
import { image, mebibyte } from '../sandbox/sandbox-host.ts';
import { watchStarts } from '../sandbox/starts.ts';

let specs = 0;

async function specOf(engine: ContainerEngine, argv: readonly string[]): Promise<ContainerSpec> {
  specs += 1;
  const name = `aas-engine-test-${process.pid}-${Date.now().toString(36)}-${specs}`;
  const source = await mkdtemp(join(tmpdir(), 'aas-bind-'));
  onTestFinished(async () => {
    await engine.remove(name);
    await rm(source, { recursive: true });
  });
  return {
    name,
    image,
    argv,
    environment: { HOME: '/home/agent' },
    uid: 10_001,
    gid: 10_001,
    directory: '/workspace',
    binds: [{ source, target: '/workspace' }],
    memoryBytes: 64 * mebibyte,
    cpus: 1,
    pids: 64,
    fileBytes: 64 * mebibyte,
    labels: { [labels.instance]: name, [labels.session]: 'engine-test' },
  };
}

/** The state once nothing runs any more. */
async function ended(engine: ContainerEngine, name: string) {
  for (;;) {
    const state = await engine.state(name);
    if (state?.phase !== 'running') return state;
    await delay(20);
  }
}

describe.each([...inject('engines')])('the container engine $kind', ({ kind, host }) => {
  test('knows what it is', async () => {
    const engine = await connectEngine({ host });
    expect(engine).toMatchObject({ kind, socket: host.replace('unix://', '') });
    expect(engine.version).toMatch(/^\d+\.\d+/);
    expect(await engine.hasImage(image)).toBe(true);
    expect(await engine.hasImage('no-such-image:1')).toBe(false);
  });

  test('takes every step twice and does it once', async () => {
    const engine = await connectEngine({ host });
    const starts = await watchStarts(host);
    const spec = await specOf(engine, ['sleep', '60']);
    const { name } = spec;
    expect(await engine.state(name)).toBeNull();
    await Promise.all([engine.create(spec), engine.create(spec)]);
    expect(await engine.state(name)).toMatchObject({ phase: 'created', pid: 0, finishedAtMs: 0 });
    await engine.start(name);
    await engine.start(name);
    expect(await engine.state(name)).toMatchObject({ phase: 'running', pid: expect.any(Number) as number });
    expect(await engine.list(labels.instance, name)).toMatchObject([{ name, labels: spec.labels }]);
    expect(await engine.list(labels.instance, 'another')).toEqual([]);
    await engine.kill(name);
    await engine.kill(name);
    const state = await ended(engine, name);
    expect(state).toMatchObject({ phase: 'exited', exitCode: 137 });
    expect(Math.abs((state?.finishedAtMs ?? 0) - Date.now())).toBeLessThan(10_000);
    await engine.remove(name);
    await engine.remove(name);
    expect(await engine.state(name)).toBeNull();
    expect(await starts(name)).toBe(1);
  });

  test('says the exit code', async () => {
    const engine = await connectEngine({ host });
    const spec = await specOf(engine, ['sh', '-c', 'exit 41']);
    await engine.create(spec);
    await engine.start(spec.name);
    expect(await ended(engine, spec.name)).toMatchObject({ phase: 'exited', exitCode: 41 });
  });

  test('tells a container that cannot be started from an engine that is in trouble', async () => {
    const engine = await connectEngine({ host });
    const spec = { ...(await specOf(engine, ['true'])), directory: '/etc/passwd/nowhere' };
    await engine.create(spec).catch(() => {});
    await expect(engine.start(spec.name)).rejects.toThrow(StartFailed);
  });

  test('says once that an image is missing, and what to do', async () => {
    const engine = await connectEngine({ host });
    const spec = { ...(await specOf(engine, ['true'])), image: 'no-such-image:1' };
    const refused = engine.create(spec);
    await expect(refused).rejects.toMatchObject({ type: 'Input.Bad', nonRetryable: true });
    await expect(refused).rejects.toThrow(/no image no-such-image:1/);
  });
});
