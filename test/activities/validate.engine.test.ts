import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, inject, test } from 'vitest';
import { createValidateActivities } from '../../activities/validate.ts';
import type { CheckReport } from '../../temporal/contract/evidence.ts';
import { checkReportSchema } from '../../temporal/contract/evidence.ts';
import type { Digest, ValidateRequest, ValidationView } from '../../temporal/contract/messages.ts';
import type { TestEngine } from '../helpers/engine-setup.ts';
import { createRepository, openBase, plainGit, plainGitBytes, writeFiles } from '../helpers/repositories.ts';
import { check, jobSpec } from './sandbox/job-spec.ts';
import { openHost } from './sandbox/sandbox-host.ts';

const job: Digest = `sha256:${'1'.repeat(64)}`;
const signed: Digest = `sha256:${'2'.repeat(64)}`;
let sessions = 0;

type Checks = Readonly<Record<string, string>>;

/** A validator for one candidate, which turns `broken` into `fixed`. In these tests a candidate is a bare diff. */
async function openValidator(engine: TestEngine, scripts: Checks) {
  const host = await openHost(engine);
  const repository = await createRepository({ 'calc.py': 'broken\n' });
  const { base, trusted, workbench } = await openBase(repository);
  await writeFiles(repository, { 'calc.py': 'fixed\n' });
  await plainGit(repository, 'add', '--all');
  const diff = await plainGitBytes(repository, 'diff', '--cached', '--binary', '--full-index');
  const { artifacts, repositories } = workbench;
  const { digest: candidate } = await artifacts.put(diff, 'text/x-diff');
  sessions += 1;
  const sessionId = `s-validate-${process.pid}-${Date.now().toString(36)}-${sessions}`;
  const checks = Object.entries(scripts).map(([id, script]) => check(id, ['bash', '-c', script]));
  const reports: CheckReport[] = [];
  const { validate } = createValidateActivities({
    sandbox: host.sandbox,
    repositories,
    artifacts,
    hostId: 'rack7',
    heartbeatMs: 200,
    verifyJob: () => Promise.resolve(jobSpec(base, { session: sessionId, checks })),
    readCandidateDiff: (bytes) => bytes,
    signReport: (report) => {
      reports.push(checkReportSchema.parse(report));
      return Promise.resolve(signed);
    },
  });
  const tree = await trusted.applyDiff(diff);
  const request: ValidateRequest = { sessionId, round: 1, job, base, candidate, tree };
  const run = (over: Partial<ValidateRequest> = {}): Promise<ValidationView> =>
    new MockActivityEnvironment().run(validate, { ...request, ...over });
  return { host, validate, request, run, reports, base };
}

describe.each([...inject('engines')])('validation on $kind', (engine) => {
  test('runs each check on clean base + candidate and signs what it saw', async () => {
    const scripts = { content: 'grep -q fixed calc.py && touch litter', clean: 'ls; ! test -e litter' };
    const { host, run, request, reports, base } = await openValidator(engine, scripts);
    const view = await run();
    expect(view).toMatchObject({ verdict: 'pass', baseCommit: base.commit, report: signed });
    expect(view.checks.map(({ name, verdict, exitCode }) => [name, verdict, exitCode])).toEqual([
      ['content', 'exited', 0],
      ['clean', 'exited', 0],
    ]);
    const { session, candidate, tree, checks, validator } = reports[0] ?? {};
    expect({ session, candidate, tree }).toEqual({
      session: request.sessionId,
      candidate: request.candidate,
      tree: request.tree,
    });
    expect(validator).toEqual({ hostId: 'rack7', engine: expect.stringContaining(engine.kind) as string });
    expect(await host.text(checks?.[1]?.log ?? { digest: job, bytes: 0, mediaType: '' })).toBe('calc.py\n');
    expect(await host.leftovers()).toEqual([]);
  });

  test.each([
    ['a check that fails', 'exit 1', { verdict: 'exited', exitCode: 1 }],
    ['a check that is killed', 'kill -9 -1', { verdict: 'killed', exitCode: null }],
  ] as const)('fails for %s', async (_, script, ended) => {
    const { run, reports } = await openValidator(engine, { good: 'true', bad: script });
    const view = await run();
    expect(view.verdict).toBe('fail');
    expect(view.checks[1]).toMatchObject(ended);
    expect(reports[0]?.verdict).toBe('fail');
  });

  test('runs at most two checks at once', async () => {
    const scripts = Object.fromEntries([1, 2, 3, 4].map((n) => [`c${n}`, 'sleep 0.3']));
    const { validate, request } = await openValidator(engine, scripts);
    const environment = new MockActivityEnvironment();
    let most = 0;
    environment.on('heartbeat', (progress: Record<string, { phase: string }> = {}) => {
      most = Math.max(most, Object.values(progress).filter(({ phase }) => phase === 'running').length);
    });
    const { verdict, checks }: ValidationView = await environment.run(validate, request);
    expect({ verdict, checks: checks.length }).toEqual({ verdict: 'pass', checks: 4 });
    expect(most).toBe(2);
  });

  test('refuses a candidate that makes another tree, and no check runs', async () => {
    const { host, run, reports } = await openValidator(engine, { touch: 'echo ran' });
    const refused = run({ tree: '0'.repeat(40) });
    await expect(refused).rejects.toMatchObject({ type: 'Evidence.Invalid', nonRetryable: true });
    await expect(refused).rejects.toThrow(/was judged/);
    expect(reports).toEqual([]);
    expect(await host.leftovers()).toEqual([]);
  });

  test('refuses a job without checks: nothing can prove its change', async () => {
    const { run, reports } = await openValidator(engine, {});
    await expect(run()).rejects.toMatchObject({ type: 'Evidence.Invalid', nonRetryable: true });
    expect(reports).toEqual([]);
  });

  test('asked again, answers what it saw and runs nothing twice', async () => {
    const { host, run } = await openValidator(engine, { random: 'cat /proc/sys/kernel/random/uuid' });
    const [first, second] = [await run(), await run()];
    expect(second.checks).toEqual(first.checks);
    expect(await host.leftovers()).toEqual([]);
  });

  test('that is cancelled ends with its containers', async () => {
    const { host, validate, request, reports } = await openValidator(engine, {
      one: 'echo up; sleep 60',
      two: 'echo up; sleep 60',
    });
    const environment = new MockActivityEnvironment();
    environment.on('heartbeat', (progress: Record<string, { outputBytes: number }>) => {
      if (Object.values(progress).some(({ outputBytes }) => outputBytes > 0)) environment.cancel('CANCELLED');
    });
    await expect(environment.run(validate, request)).rejects.toThrow(CancelledFailure);
    expect(reports).toEqual([]);
    expect(await host.leftovers()).toEqual([]);
  });
});
