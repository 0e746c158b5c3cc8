import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { Detached } from '../../../activities/ports/sandbox/task.ts';
import { smallDisk } from '../../helpers/small-disk.ts';
import { attended, limits, mebibyte, openHost, shell, task } from './sandbox-host.ts';
import { watchStarts } from './starts.ts';

describe.each([...inject('engines')])('a sandbox on $kind', (engine) => {
  test('runs exactly the argv it was given, in /workspace, on the tree it was filled with', async () => {
    const host = await openHost(engine);
    const argv = ['sh', '-c', 'pwd; cat seed; printf "%s|" "$@"; echo err >&2', '-x', 'a b', '"$HOME"', '', '*', 'ü\n'];
    const outcome = await host.run(
      task(argv, {
        fill: ({ directory }) => writeFile(join(directory, 'seed'), 'filled '),
        collect: ({ directory }) => readFile(join(directory, 'seed'), 'utf8'),
      }),
    );
    expect(outcome).toMatchObject({ verdict: 'exited', exitCode: 0, collected: 'filled ' });
    expect(await host.text(outcome.output)).toBe('/workspace\nfilled a b|"$HOME"||*|ü\n|err\n');
  });

  test('starts the command only when the tree is filled', async () => {
    const host = await openHost(engine);
    let filled = false;
    const outcome = await host.run(
      shell('cat late', {
        fill: async ({ directory }) => {
          await new Promise((resolve) => setTimeout(resolve, 500));
          await writeFile(join(directory, 'late'), 'in time');
          filled = true;
        },
      }),
    );
    expect(filled).toBe(true);
    expect(await host.text(outcome.output)).toBe('in time');
  });

  test('shows the command nothing but its own few variables', async () => {
    const host = await openHost(engine);
    const { output } = await host.run(task(['env'], { environment: { AAS_GOAL: 'one\ntwo' } }));
    const names = (await host.text(output))
      .replace('AAS_GOAL=one\ntwo', 'AAS_GOAL=')
      .split('\n')
      .map((line) => line.split('=')[0]);
    const engineOwn = ['HOSTNAME', 'container', 'TERM', 'PWD', ''];
    expect(names.filter((name) => !engineOwn.includes(name ?? '')).sort()).toEqual([
      'AAS_GOAL',
      'HOME',
      'LANG',
      'PATH',
    ]);
  });

  test.each([
    ['exited', 'exit 7', {}],
    ['timeout', 'sleep 60', { timeoutMs: 700 }],
    ['oom', `python3 -c 'x = bytearray(1 << 30)'`, { limits: { ...limits, memoryBytes: 64 * mebibyte } }],
    ['output_limit', 'yes | head -c 9000000; sleep 60', { limits: { ...limits, outputBytes: mebibyte } }],
    ['killed', 'kill -9 -1; sleep 60', {}],
  ] as const)('tells %s from other ends', async (verdict, script, over) => {
    const host = await openHost(engine);
    const outcome = await host.run(shell(script, over));
    expect(outcome).toMatchObject({ verdict, exitCode: verdict === 'exited' ? 7 : null });
    expect(await host.leftovers()).toEqual([]);
  });

  test("a child that runs out of memory is the command's own affair", async () => {
    const host = await openHost(engine);
    const script = `python3 -c 'x = bytearray(1 << 30)' || echo survived`;
    const outcome = await host.run(shell(script, { limits: { ...limits, memoryBytes: 64 * mebibyte } }));
    expect(outcome).toMatchObject({ verdict: 'exited', exitCode: 0 });
    expect(await host.text(outcome.output)).toContain('survived');
  });

  test('cancellation kills within a second, and the run is never started again', async () => {
    const host = await openHost(engine);
    const starts = await watchStarts(engine.host);
    const what = shell('trap "" TERM; echo up; while :; do sleep 1; done', {
      collect: () => Promise.reject(new Error('no')),
    });
    const controller = new AbortController();
    let cancelledAt = 0;
    const onProgress = ({ outputBytes }: { outputBytes: number }) => {
      if (outputBytes === 0 || cancelledAt > 0) return;
      cancelledAt = Date.now();
      controller.abort(new Error('the workflow was cancelled'));
    };
    const outcome = await host.run(what, { signal: controller.signal, onProgress });
    expect(outcome.verdict).toBe('cancelled');
    expect(Date.now() - cancelledAt).toBeLessThan(1000);
    expect((await host.run(what)).verdict).toBe('cancelled');
    expect(await starts(what.name)).toBe(1);
    expect(await host.leftovers()).toEqual([]);
  });

  test('keeps every byte of 40 MB of output, live and archived', async () => {
    const host = await openHost(engine);
    const what = shell('yes 0123456789abcdef | head -c 40000000; echo END');
    const { output, chunks } = await host.run(what);
    const bytes = await host.artifacts.get(output.digest);
    expect(bytes.length).toBe(40_000_004);
    expect(bytes.subarray(-4).toString()).toBe('END\n');
    const live = await host.logs.read(what.session, what.stream, 0);
    expect(live.length).toBe(chunks);
    const digest = (parts: Buffer[]) =>
      parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');
    expect(digest(live.map((chunk) => chunk.bytes))).toBe(digest([bytes]));
  });

  test('above the output limit, head and tail are kept around a marker', async () => {
    const host = await openHost(engine);
    const script = 'echo HEAD; yes | head -c 3000000; echo TAIL; sleep 60';
    const what = shell(script, { limits: { ...limits, outputBytes: 100_000 } });
    const { verdict, output } = await host.run(what);
    const text = await host.text(output);
    expect(verdict).toBe('output_limit');
    const [head, tail] = text.split('\n[... truncated 2900010 of 3000010 bytes ...]\n');
    expect(head).toMatch(/^HEAD\ny\n/);
    expect(tail).toMatch(/y\nTAIL\n$/);
    expect([head?.length, tail?.length]).toEqual([50_000, 50_000]);
    expect(await host.live(what)).toMatch(/truncated 2900010 of 3000010 bytes/);
  });

  test('two attempts in one process are one run', async () => {
    const host = await openHost(engine);
    const starts = await watchStarts(engine.host);
    const what = shell('echo once; sleep 0.3');
    const [one, two] = await Promise.all([host.run(what), host.run(what)]);
    expect(two).toEqual(one);
    expect(await host.run(what)).toEqual(one);
    expect(await starts(what.name)).toBe(1);
  });

  test('an attempt that detaches leaves the container to the next one', async () => {
    const host = await openHost(engine);
    const starts = await watchStarts(engine.host);
    const what = shell('echo first; until [ -e go ]; do sleep 0.1; done; echo second', {
      collect: ({ directory }) => readFile(join(directory, 'go'), 'utf8'),
    });
    const worker = new AbortController();
    const onProgress = ({ outputBytes }: { outputBytes: number }) => {
      if (outputBytes > 0) worker.abort(new Detached('the worker shuts down'));
    };
    await expect(host.run(what, { signal: worker.signal, onProgress })).rejects.toThrow('the worker shuts down');
    expect(await host.engine.state(what.name)).toMatchObject({ phase: 'running' });
    const next = host.run(what, attended());
    await writeFile(join(host.directory, 'runs', what.name, 'mount', 'tree', 'go'), 'gone on');
    const outcome = await next;
    expect(outcome).toMatchObject({ verdict: 'exited', collected: 'gone on' });
    expect(await host.live(what)).toBe('first\nsecond\n');
    expect(await starts(what.name)).toBe(1);
  });

  test('concurrent sandboxes run as different users', async () => {
    const host = await openHost(engine);
    const outcomes = await Promise.all([1, 2, 3].map(() => host.run(shell('id -u; sleep 0.5'))));
    const users = await Promise.all(outcomes.map(({ output }) => host.text(output)));
    expect(new Set(users).size).toBe(3);
  });

  test('a worktree has a hard limit of bytes and of files', async () => {
    const host = await openHost(engine);
    const small = { ...limits, worktreeBytes: 16 * mebibyte, worktreeInodes: 512, outputBytes: mebibyte };
    const script =
      'dd if=/dev/zero of=fill bs=1M count=400 2>&1 | grep -o "No space left"; rm fill; for i in $(seq 2000); do : > f$i || break; done; ls | wc -l';
    const { output } = await host.run(shell(script, { limits: small }));
    const text = await host.text(output);
    expect(text).toContain('No space left');
    expect(Number(text.trim().split('\n').at(-1))).toBeLessThan(530);
  });

  test('an image that is not there is said once, with what to do', async () => {
    const host = await openHost(engine);
    const refused = host.run(shell('true', { image: 'no-such-image:1' }));
    await expect(refused).rejects.toMatchObject({ type: 'Input.Bad', nonRetryable: true });
    await expect(refused).rejects.toThrow(/has no image no-such-image:1.*make setup/);
    expect(await host.leftovers()).toEqual([]);
  });

  test('output to /dev/stdout opened again is output like any other', async () => {
    const host = await openHost(engine);
    const { output } = await host.run(
      shell('echo one; echo two > /dev/stderr; echo three | tee /dev/stdout; echo four'),
    );
    expect(await host.text(output)).toBe('one\ntwo\nthree\nthree\nfour\n');
  });

  test('a tree that cannot be filled starts no command, and a refusal leaves nothing', async () => {
    const host = await openHost(engine);
    const starts = await watchStarts(engine.host);
    const what = shell('touch ran', { fill: () => Promise.reject(new Error('the disk is full')) });
    await expect(host.run(what)).rejects.toThrow('the disk is full');
    const again = { ...what, fill: () => Promise.resolve(), collect: () => Promise.resolve('collected') };
    expect(await host.run(again)).toMatchObject({ verdict: 'exited', collected: 'collected' });
    expect(await starts(what.name)).toBe(1);
    expect(await host.leftovers()).toEqual([]);
  });

  test('a host whose disk is full says so, and the run goes on once there is room', async () => {
    const disk = await smallDisk('16m');
    const host = await openHost(engine, join(disk.folder, 'sandboxes'));
    const what = shell('echo ran');
    const refused = host.run(what);
    await expect(refused).rejects.toMatchObject({ type: 'Sandbox.Unavailable', nonRetryable: false });
    await expect(refused).rejects.toThrow(/too full for a worktree: it has 1\d MiB and needs 1\d\d/);
    disk.grow('1g');
    expect(await host.run(what)).toMatchObject({ verdict: 'exited', exitCode: 0 });
    expect(await host.leftovers()).toEqual([]);
  });

  test('a container that somebody removed is not started again', async () => {
    const host = await openHost(engine);
    const starts = await watchStarts(engine.host);
    const what = shell('echo up; sleep 60');
    const onProgress = ({ outputBytes }: { outputBytes: number }) => {
      if (outputBytes > 0) void host.engine.remove(what.name);
    };
    expect(await host.run(what, attended({ onProgress }))).toMatchObject({ verdict: 'killed' });
    expect(await starts(what.name)).toBe(1);
  });
});
