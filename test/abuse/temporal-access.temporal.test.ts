/**
 * Somebody with full access to Temporal: they start, signal, complete and reset what they like. The promoter is the real
 * one; every other step answers whatever the attacker wants.
 */
import type { PromotionRequest, PromotionResult } from '../../temporal/contract/messages.ts';
import { messageNames, queues, workflowIds, workflowTypes } from '../../temporal/contract/messages.ts';
import { describe, expect, test } from 'vitest';
import { withInstallation } from '../helpers/evidence.ts';
import type { Approved, Installation } from '../helpers/evidence.ts';
import { withBench } from '../helpers/sessions.ts';
import type { Bench } from '../helpers/lab.ts';

/** Runs an attack on a real repository, with a change that was really approved at hand. */
async function attack(use: (at: Installation, approved: Approved, bench: Bench) => Promise<void>): Promise<void> {
  await withInstallation(async (installation, repository) => {
    const { promote, control } = installation;
    await withBench({ promote, verifyReceipt: control.verifyReceipt }, async (bench) => {
      await use(installation, await installation.approved(repository), bench);
    });
  });
}

/** Asks the target's single writer directly, as any workflow could. Resolves when it has served the request. */
async function ask({ client }: Bench, request: PromotionRequest): Promise<void> {
  const handle = await client.workflow.signalWithStart(workflowTypes.promotions, {
    workflowId: workflowIds.promotions(`${request.target.key}#${request.id}`),
    taskQueue: queues.sessions,
    signal: messageNames.requestPromotion,
    signalArgs: [request],
    args: [],
  });
  await handle.result();
}

type Forge = (at: Installation, approved: Approved) => Promise<PromotionRequest>;
const withEvidence = (request: PromotionRequest, change: Partial<PromotionRequest['evidence']>): PromotionRequest => ({
  ...request,
  evidence: { ...request.evidence, ...change },
});

const forgeries: [string, Forge][] = [
  ['no decision at all', async (_, { request }) => withEvidence(request, { decisions: [] })],
  [
    'a decision signed by a stranger',
    async ({ stranger }, { request, decision }) =>
      withEvidence(request, { decisions: [await stranger.api.sign('decision', decision)] }),
  ],
  [
    'a decision about another subject',
    async ({ signs }, { request, decision }) => {
      const other = { ...decision, subject: request.evidence.job };
      return withEvidence(request, { decisions: [await signs.api.sign('decision', other)] });
    },
  ],
  [
    'a rejection',
    async ({ signs }, { request, decision }) =>
      withEvidence(request, { decisions: [await signs.api.sign('decision', { ...decision, kind: 'reject' })] }),
  ],
  [
    'an approval that expired',
    async ({ signs }, { request, decision }) => {
      const expired = { ...decision, expiresAt: '2020-01-01T00:00:00.000Z' };
      return withEvidence(request, { decisions: [await signs.api.sign('decision', expired)] });
    },
  ],
  [
    'a job signed by a stranger',
    async ({ signs, stranger }, { request }) => {
      const job = await signs.control.open('job', request.evidence.job);
      return withEvidence(request, { job: await stranger.control.sign('job', job) });
    },
  ],
  [
    'a check report signed by a stranger',
    async ({ signs, stranger }, { request }) => {
      const report = await signs.control.open('report', request.evidence.report);
      return withEvidence(request, { report: await stranger.validator.sign('report', report) });
    },
  ],
  [
    'a check report that says fail',
    async ({ signs }, { request }) => {
      const report = await signs.control.open('report', request.evidence.report);
      return withEvidence(request, { report: await signs.validator.sign('report', { ...report, verdict: 'fail' }) });
    },
  ],
  [
    'a check report without a check of the job',
    async ({ signs }, { request }) => {
      const report = await signs.control.open('report', request.evidence.report);
      return withEvidence(request, { report: await signs.validator.sign('report', { ...report, checks: [] }) });
    },
  ],
  [
    'a policy verdict signed by a stranger',
    async ({ signs, stranger }, { request }) => {
      const inspection = await signs.control.open('inspection', request.evidence.inspection);
      return withEvidence(request, { inspection: await stranger.control.sign('inspection', inspection) });
    },
  ],
  ['another candidate', async (_, { request }) => withEvidence(request, { candidate: request.evidence.job })],
  ['another session', async (_, { request }) => ({ ...request, sessionId: 's-another' })],
  ['another branch', async (_, { request }) => ({ ...request, target: { ...request.target, ref: 'refs/heads/x' } })],
  ['another mode', async (_, { request }) => ({ ...request, target: { ...request.target, mode: 'branch' } })],
  ['another base', async (_, { request }) => ({ ...request, base: { ...request.base, ref: 'refs/heads/x' } })],
  ['evidence that does not exist', async (_, { request }) => withEvidence(request, { report: request.evidence.job })],
];

describe('a request to the single writer', () => {
  test('with what was really approved is promoted: the attacks below could succeed', async () => {
    await attack(async (at, { request }, bench) => {
      await ask(bench, request);
      expect(await at.promoted()).toEqual([`${request.sessionId}.patch`]);
    });
  });

  test.each(forgeries)('with %s gets nothing promoted', async (_, forge) => {
    await attack(async (at, approved, bench) => {
      await ask(bench, await forge(at, approved));
      expect(await at.promoted()).toEqual([]);
    });
  });
});

describe('a session whose every step is forged', () => {
  test('gets nothing promoted: the promoter’s refusal opens a gate', async () => {
    await attack(async (at, _, bench) => {
      const session = await bench.start();
      await session.decideOpen({});
      expect((await session.atGate()).gate).toMatchObject({
        kind: 'fallback',
        reason: expect.stringMatching(/promoter refused/) as string,
      });
      expect(await at.promoted()).toEqual([]);
      await session.cancel();
    });
  });

  test('is not believed when it signals itself that it was promoted', async () => {
    await attack(async (at, { request }, bench) => {
      const late = Promise.withResolvers<PromotionResult>();
      bench.steps.promote = () => late.promise;
      const session = await bench.start();
      await session.decideOpen({});
      const promotion = {
        ...{ mode: 'patch', ref: 'x.patch', digest: request.evidence.candidate, commit: null },
        ...{ baseCommit: request.base.commit, receipt: request.evidence.report },
      } as const;
      const claim = { id: `${session.id}/1`, result: { kind: 'promoted', promotion } };
      const recorded = (type: string) => bench.records.some((record) => record.type === type);
      await expect.poll(() => recorded('promotion.intended')).toBe(true);
      await session.handle.signal(messageNames.promotionAnswered, claim);
      await expect.poll(() => recorded('promotion.claim_refused')).toBe(true);
      late.resolve({ kind: 'refused', findings: [] });
      expect((await session.atGate()).gate).toMatchObject({ kind: 'fallback' });
      expect(recorded('promotion.done')).toBe(false);
      expect(await at.promoted()).toEqual([]);
      await session.cancel();
    });
  });

  test('gets nothing promoted by a reset to before a rejection', async () => {
    await attack(async (at, _, bench) => {
      const session = await bench.start();
      await session.decideOpen({ kind: 'reject' });
      await session.ended();
      await bench.client.workflowService.resetWorkflowExecution({
        namespace: 'default',
        workflowExecution: { workflowId: workflowIds.session(session.id), runId: session.handle.firstExecutionRunId },
        ...({ workflowTaskFinishEventId: 4 } as object),
        requestId: session.id,
        reason: 'attack',
      });
      const again = bench.client.workflow.getHandle(workflowIds.session(session.id));
      const waiting = await again.executeUpdate<{ gate: { id: string; subject: string } | null }, [{ until: string }]>(
        messageNames.awaitState,
        { args: [{ until: 'gate' }] },
      );
      const decision = session.decision({ gate: waiting.gate?.id ?? '', subject: waiting.gate?.subject as never });
      await again.executeUpdate(messageNames.decide, { args: [decision] });
      expect(await again.executeUpdate(messageNames.awaitState, { args: [{ until: 'gate' }] })).toMatchObject({
        gate: { kind: 'fallback' },
      });
      expect(await at.promoted()).toEqual([]);
      await again.terminate('the test is over');
    });
  });
});

test('a standalone activity on the promote queue gets nothing promoted', async () => {
  await attack(async (at, { request }, bench) => {
    const forged = withEvidence(request, { decisions: [] });
    const run = (id: string, args: PromotionRequest) =>
      bench.client.activity.execute('promote', {
        ...{ id, args: [args], taskQueue: queues.promote },
        ...{ scheduleToCloseTimeout: '30 seconds' },
      });
    expect(await run('forged', forged)).toMatchObject({ kind: 'refused' });
    expect(await at.promoted()).toEqual([]);
    expect(await run('genuine', request)).toMatchObject({ kind: 'promoted' });
  });
});
