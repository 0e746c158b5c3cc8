import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { failures, messageNames, queues, workflowIds, workflowTypes } from '../../temporal/contract/messages.ts';
import type { PromotionRequest, PromotionResult } from '../../temporal/contract/messages.ts';
import { admittedJob, base, digest, promoted } from '../helpers/fake-steps.ts';
import type { Steps } from '../helpers/fake-steps.ts';
import { withBench } from '../helpers/sessions.ts';

test('ten promotions asked for at once are written one at a time', async () => {
  let writing = 0;
  let most = 0;
  const promote = async (request: Parameters<typeof promoted>[0]) => {
    most = Math.max(most, ++writing);
    await new Promise((resolve) => setTimeout(resolve, 30));
    writing--;
    return promoted(request);
  };
  await withBench({ promote }, async (bench) => {
    const sessions = await Promise.all(Array.from({ length: 10 }, () => bench.start()));
    const gates = await Promise.all(sessions.map((session) => session.atGate()));
    await Promise.all(sessions.map((session, i) => session.decide({ subject: gates[i]?.gate?.subject ?? null })));
    const ended = await Promise.all(sessions.map((session) => session.ended()));
    expect(ended.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 10 }, () => 'promoted'));
    expect(most).toBe(1);
  });
});

test('a promotion that is asked for again, while it waits or is written, is written once', async () => {
  const first = Promise.withResolvers<void>();
  const written: string[] = [];
  const promote = async (request: PromotionRequest) => {
    written.push(request.id);
    await first.promise;
    return promoted(request);
  };
  await withBench({ promote }, async (bench) => {
    const sessions = [await bench.start(), await bench.start()];
    for (const session of sessions) await session.decideOpen({});
    await expect.poll(() => bench.records.filter(({ type }) => type === 'promotion.intended')).toHaveLength(2);
    for (const { data } of bench.records.filter(({ type }) => type === 'promotion.intended')) {
      const { request: id, target, evidence } = data as unknown as { request: string } & PromotionRequest;
      const again = { id, sessionId: id.replace(/\/.*/, ''), target, base: base('base'), evidence };
      await bench.client.workflow
        .getHandle(workflowIds.promotions(target.key))
        .signal(messageNames.requestPromotion, again);
    }
    first.resolve();
    for (const session of sessions) expect(await session.ended()).toMatchObject({ outcome: 'promoted' });
    expect(written.toSorted()).toEqual(sessions.map(({ id }) => `${id}/1`).toSorted());
  });
});

test('a queued promotion whose session is cancelled is taken back before it is written', async () => {
  const first = Promise.withResolvers<void>();
  const written: string[] = [];
  const promote = async (request: Parameters<typeof promoted>[0]) => {
    if (written.length === 0) await first.promise;
    written.push(request.sessionId);
    return promoted(request);
  };
  await withBench({ promote }, async (bench) => {
    const ahead = await bench.start();
    await ahead.decideOpen({});
    const behind = await bench.start();
    await behind.decideOpen({});
    // At once: nobody waits for those who are ahead only to be taken back.
    expect(await behind.cancel()).toMatchObject({ status: 'cancelled', outcome: null });
    first.resolve();
    expect(await ahead.ended()).toMatchObject({ outcome: 'promoted' });
    expect(written).toEqual([ahead.id]);
  });
});

test('a promotion that the promoter signed for, but for another candidate than was approved, is not believed', async () => {
  const asked: PromotionRequest[] = [];
  const verifyReceipt = async ({ promotion, evidence }: Parameters<Steps['verifyReceipt']>[0]) => {
    if (promotion.digest === evidence.candidate) return;
    throw ApplicationFailure.create({ type: failures.evidenceInvalid, message: 'another', nonRetryable: true });
  };
  const promote = async (request: PromotionRequest) => {
    asked.push(request);
    const earlier = { ...request, evidence: { ...request.evidence, candidate: digest('earlier') } };
    return promoted(asked.length === 1 ? earlier : request);
  };
  await withBench({ promote, verifyReceipt }, async (bench) => {
    const session = await bench.start();
    await session.decideOpen({});
    expect(await session.ended()).toMatchObject({ outcome: 'promoted', promotion: { digest: digest('candidate') } });
    expect(asked).toHaveLength(2);
  });
});

test('a promotion asked for in a second round is another request than that of the first', async () => {
  const asked: string[] = [];
  const promote = async ({ id, ...request }: PromotionRequest): Promise<PromotionResult> => {
    asked.push(id);
    return asked.length > 1 ? promoted({ id, ...request }) : { kind: 'refused', findings: [] };
  };
  await withBench({ promote }, async (bench) => {
    const session = await bench.start();
    await session.decideOpen({});
    expect(await session.decideOpen({ kind: 'retry' })).toMatchObject({ id: 'fallback-1' });
    await session.decideOpen({});
    expect(await session.ended()).toMatchObject({ outcome: 'promoted' });
    expect(asked).toEqual([`${session.id}/1`, `${session.id}/2`]);
  });
});

test.each<unknown[]>([[], [null], [{ id: 1 }], [{ id: 'x', sessionId: 's' }]])(
  'a rubbish request (%j) stops nobody: the next one is served',
  async (...rubbish: unknown[]) => {
    const job = admittedJob({ target: { ...admittedJob().target, key: `rubbish:${randomUUID()}` } });
    await withBench({ admit: async () => ({ verdict: 'admitted', job, findings: [] }) }, async (bench) => {
      const workflowId = workflowIds.promotions(job.target.key);
      for (const signal of [messageNames.requestPromotion, messageNames.withdrawPromotion])
        await bench.client.workflow.signalWithStart(workflowTypes.promotions, {
          ...{ workflowId, taskQueue: queues.sessions, args: [], signal, signalArgs: rubbish },
        });
      const session = await bench.start();
      await session.decideOpen({});
      expect(await session.ended()).toMatchObject({ outcome: 'promoted' });
    });
  },
);
