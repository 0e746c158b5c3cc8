/** What takes hours or days, on Temporal's time-skipping server. */
import { ApplicationFailure } from '@temporalio/common';
import { randomUUID } from 'node:crypto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failures, messageNames, queues, workflowIds, workflowTypes } from '../../temporal/contract/messages.ts';
import type { PromotionRequest, PromotionResult } from '../../temporal/contract/messages.ts';
import { searchAttributeNames } from '../../temporal/search-attributes.ts';
import { admittedJob, base, digest, promoted } from '../helpers/fake-steps.ts';
import { openLab, quietRuntime } from '../helpers/lab.ts';
import type { Bench, Lab } from '../helpers/lab.ts';

const server = fileURLToPath(new URL('../../.tools/temporal/temporal-test-server', import.meta.url));
const day = 24 * 3600_000;

let environment: TestWorkflowEnvironment;
let lab: Lab;
beforeAll(async () => {
  quietRuntime();
  environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: server } },
  });
  const keyword = 2;
  await environment.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(searchAttributeNames.map((name) => [name, keyword])),
  });
  lab = await openLab(environment.address);
});
afterAll(async () => {
  await lab.close();
  await environment.teardown();
});

/** The server's clock runs ahead of ours. */
const approval = { expiresAt: '2100-01-01T00:00:00.000Z' };
const patient = { planMs: 365 * day, approvalMs: 365 * day, fallbackMs: 365 * day };
/** The single writer of a target is shared by all who name it: each bench has its own. */
function admitting(deadlines = patient) {
  const job = admittedJob({ deadlines, target: { ...admittedJob().target, key: `test:${randomUUID()}#main` } });
  return { admit: async () => ({ verdict: 'admitted', job, findings: [] }) as const };
}

const evidence = {
  ...{ job: digest('job'), candidate: digest('candidate'), inspection: digest('inspection') },
  ...{ report: digest('report'), decisions: [] },
};

const recorded = ({ records }: Bench, type: string): boolean => records.some((record) => record.type === type);

describe('people who do not answer', () => {
  test('have until the deadline, to the day, and are taken for a refusal after it', async () => {
    const session = await lab.bench(admitting({ ...patient, approvalMs: 30 * day })).start();
    expect(await session.atGate()).toMatchObject({ gate: { id: 'approval-1' } });
    await environment.sleep(30 * day - 60_000);
    expect(await session.atGate()).toMatchObject({ status: 'waiting' });
    await environment.sleep(120_000);
    expect(await session.ended()).toMatchObject({ status: 'refused', outcome: 'expired' });
  });
});

describe('hosts that are all full', () => {
  test('are waited for: a full host is no lost one', async () => {
    let full = true;
    const claim = async () => {
      if (full) throw ApplicationFailure.create({ type: failures.sandboxBusy, message: 'full' });
      return { hostId: 'test', queue: queues.host('test') };
    };
    const bench = lab.bench({ ...admitting(), claim });
    const session = await bench.start();
    await expect.poll(() => recorded(bench, 'round.started')).toBe(true);
    await environment.sleep(15 * 60_000);
    expect(recorded(bench, 'host.lost')).toBe(false);
    full = false;
    await environment.sleep(60_000);
    expect(await session.atGate()).toMatchObject({ gate: { id: 'approval-1' }, round: { placement: 1 } });
    await session.cancel();
  });
});

describe('a promoter that is away', () => {
  /** Answers nobody, as where no worker polls its queue. */
  function silent(): { promote: (request: PromotionRequest) => Promise<PromotionResult>; asked: PromotionRequest[] } {
    const asked: PromotionRequest[] = [];
    return {
      asked,
      promote: async (request) => {
        asked.push(request);
        throw ApplicationFailure.create({ message: 'away' });
      },
    };
  }

  test('for an hour is waited for, and then promotes', async () => {
    const { promote, asked } = silent();
    const bench = lab.bench({ ...admitting(), promote });
    const session = await bench.start();
    await session.decideOpen(approval);
    await expect.poll(() => asked.length).toBeGreaterThan(0);
    await environment.sleep(3600_000);
    bench.steps.promote = async (request) => promoted(request);
    await environment.sleep(20 * 60_000);
    expect(await session.ended()).toMatchObject({ outcome: 'promoted' });
    expect(recorded(bench, 'promotion.unknown')).toBe(true);
  });

  test('for hours is given up: a person is asked, and what waited in line is not written afterwards', async () => {
    const { promote } = silent();
    const { admit } = admitting();
    const bench = lab.bench({ admit, promote });
    const session = await bench.start();
    // So many others wait for the same target that this one is never tried.
    const { target } = (await admit()).job;
    const others = Array.from({ length: 20 }, (_, i) => ({
      id: `s-${i}/1`,
      sessionId: `s-${i}`,
      target,
      base: base('base'),
      evidence,
    }));
    for (const other of others)
      await bench.client.workflow.signalWithStart(workflowTypes.promotions, {
        workflowId: workflowIds.promotions(target.key),
        ...{ taskQueue: queues.sessions, args: [], signal: messageNames.requestPromotion, signalArgs: [other] },
      });
    await session.decideOpen(approval);
    await environment.sleep('3 hours');
    const { gate } = await session.atGate();
    expect(gate).toMatchObject({ kind: 'fallback', reason: expect.stringMatching(/was taken back/) as string });

    const written: string[] = [];
    bench.steps.promote = async (request) => {
      written.push(request.sessionId);
      return promoted(request);
    };
    await environment.sleep(day / 2);
    expect(written).toContain('s-19');
    expect(written).not.toContain(session.id);
    await session.cancel();
  });
});
