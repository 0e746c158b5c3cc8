import { writeFile } from 'node:fs/promises';
import { ActivityCancellationDetails, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, inject, test } from 'vitest';
import { createHandsActivities } from '../../activities/hands.ts';
import { createRooms } from '../../activities/ports/sandbox/rooms.ts';
import { deriveChange } from '../../activities/ports/git/derive.ts';
import type { ArtifactRef, Digest, RunRequest, RunResult } from '../../temporal/contract/messages.ts';
import type { TestEngine } from '../helpers/engine-setup.ts';
import { createRepository, openBase } from '../helpers/repositories.ts';
import { jobSpec } from './sandbox/job-spec.ts';
import { openHost } from './sandbox/sandbox-host.ts';
import { watchStarts } from './sandbox/starts.ts';

const job: Digest = `sha256:${'1'.repeat(64)}`;
let sessions = 0;

async function openHands(engine: TestEngine, argv: readonly string[]) {
  const host = await openHost(engine);
  const { base, trusted, workbench } = await openBase(
    await createRepository({ 'calc.py': 'broken\n', keep: 'kept\n' }),
  );
  sessions += 1;
  const sessionId = `s-hands-${process.pid}-${Date.now().toString(36)}-${sessions}`;
  const { artifacts, repositories } = workbench;
  const activities = createHandsActivities({
    ...{ sandbox: host.sandbox, rooms: createRooms(1, 60_000), repositories, artifacts, deriveChange },
    ...{ hostId: 'rack7', heartbeatMs: 200 },
    verifyJob: () => Promise.resolve(jobSpec(base, { session: sessionId, argv })),
  });
  const request = (over: Partial<RunRequest> = {}): RunRequest => ({
    sessionId,
    round: 1,
    placement: 1,
    job,
    base,
    startPatch: null,
    note: null,
    ...over,
  });
  const filesOf = async (patch: ArtifactRef | null) => {
    if (patch === null) return null;
    const tree = await trusted.applyDiff(await artifacts.get(patch.digest));
    return (await trusted.changes(tree)).map(({ path, status }) => `${status} ${path}`);
  };
  return { host, artifacts, activities, request, filesOf, container: `aas-${sessionId}-r1-p1` };
}

const bash = (script: string) => ['bash', '-c', script];

describe.each([...inject('engines')])('a round on $kind', (engine) => {
  test('is claimed by a host that has room for it, until it has ended there', async () => {
    const { activities, request } = await openHands(engine, ['true']);
    const { sessionId } = request();
    const host = { hostId: 'rack7', queue: 'host.rack7' };
    expect(await activities.claim({ sessionId, round: 1 })).toEqual(host);
    const busy = { type: 'Sandbox.Busy', nonRetryable: false };
    await expect(activities.claim({ sessionId: 's-other', round: 1 })).rejects.toMatchObject(busy);
    await new MockActivityEnvironment().run(activities.runRound, request());
    expect(await activities.claim({ sessionId: 's-other', round: 1 })).toEqual(host);
  });

  test('runs the job on the base and comes back with what it changed', async () => {
    const script =
      'echo fixed > calc.py; rm keep; echo new > added; echo "$AAS_GOAL/$AAS_NOTE"; id -u > /dev/null; sleep 1; exit 3';
    const { host, activities, request, filesOf, container, artifacts } = await openHands(engine, bash(script));
    const environment = new MockActivityEnvironment();
    const beats: { container?: string; phase?: string; outputBytes?: number }[] = [];
    environment.on('heartbeat', (details: object) => beats.push(details));
    const result: RunResult = await environment.run(activities.runRound, request({ note: 'look again' }));
    expect(result).toMatchObject({ verdict: 'exited', exitCode: 3, chunks: 1, findings: [] });
    expect(await filesOf(result.patch)).toEqual(['added added', 'modified calc.py', 'deleted keep']);
    expect((await artifacts.get(result.patch?.digest ?? job)).toString()).toContain('+fixed');
    expect(await host.text(result.output)).toBe('make it work/look again\n');
    expect(beats).toContainEqual({ container, phase: 'running', outputBytes: 24 });
    expect(await host.leftovers()).toEqual([]);
  });

  test('goes on from the patch of a round before', async () => {
    const first = await openHands(engine, bash('echo one > one; test -e two || echo two > two'));
    const { patch }: RunResult = await new MockActivityEnvironment().run(first.activities.runRound, first.request());
    const next = first.request({ round: 2, startPatch: patch });
    const again: RunResult = await new MockActivityEnvironment().run(first.activities.runRound, next);
    expect(await first.filesOf(again.patch)).toEqual(['added one', 'added two']);
    expect(again.patch?.digest).toBe(patch?.digest);
  });

  test('that changes nothing has no patch', async () => {
    const { activities, request } = await openHands(engine, bash('touch calc.py; cat calc.py'));
    const result: RunResult = await new MockActivityEnvironment().run(activities.runRound, request());
    expect(result).toMatchObject({ verdict: 'exited', exitCode: 0, patch: null, findings: [] });
  });

  test('whose worktree cannot be trusted has findings and no patch', async () => {
    const { activities, request } = await openHands(engine, bash('ln -s /etc/shadow secret; echo fixed > calc.py'));
    const result: RunResult = await new MockActivityEnvironment().run(activities.runRound, request());
    expect(result.patch).toBeNull();
    expect(result.findings).toContainEqual(expect.objectContaining({ severity: 'deny', path: 'secret' }));
  });

  test('is refused for a job of another session', async () => {
    const { activities, request } = await openHands(engine, ['true']);
    const refused = new MockActivityEnvironment().run(activities.runRound, request({ sessionId: 's-other' }));
    await expect(refused).rejects.toMatchObject({ type: 'Evidence.Invalid', nonRetryable: true });
  });

  test('that is cancelled ends with its container, and Temporal hears of the cancellation', async () => {
    const { host, activities, request, container } = await openHands(engine, bash('trap "" TERM; echo up; sleep 60'));
    const environment = new MockActivityEnvironment();
    environment.on('heartbeat', ({ outputBytes }: { outputBytes: number }) => {
      if (outputBytes > 0) environment.cancel('CANCELLED');
    });
    await expect(environment.run(activities.runRound, request())).rejects.toThrow(CancelledFailure);
    expect(await host.leftovers()).toEqual([]);
    expect(await host.engine.state(container)).toBeNull();
  });

  test('goes on while its worker is replaced', async () => {
    const script = 'echo first; until [ -e go ]; do sleep 0.1; done; echo second';
    const { host, activities, request, filesOf, container } = await openHands(engine, bash(script));
    const starts = await watchStarts(engine.host);
    const old = new MockActivityEnvironment();
    old.on('heartbeat', ({ outputBytes }: { outputBytes: number }) => {
      if (outputBytes > 0) old.cancel('WORKER_SHUTDOWN', new ActivityCancellationDetails({ workerShutdown: true }));
    });
    const left = old.run(activities.runRound, request());
    await expect(left).rejects.toThrow('WORKER_SHUTDOWN');
    expect(await host.engine.state(container)).toMatchObject({ phase: 'running' });
    await writeFile(`${host.directory}/runs/${container}/mount/tree/go`, '');
    const result: RunResult = await new MockActivityEnvironment().run(activities.runRound, request());
    expect(result).toMatchObject({ verdict: 'exited', exitCode: 0 });
    expect(await filesOf(result.patch)).toEqual(['added go']);
    expect(await host.text(result.output)).toBe('first\nsecond\n');
    expect(await host.leftovers()).toEqual([]);
    expect(await starts(container)).toBe(1);
  });
});
