import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { describe, expect, test } from 'vitest';
import { failures, messageNames, queues, workflowTypes } from '../../temporal/contract/messages.ts';
import type { Base } from '../../temporal/contract/messages.ts';
import { admittedJob, artifact, base, digest, passed, promoted, runResult, validation } from '../helpers/fake-steps.ts';
import { withBench } from '../helpers/sessions.ts';
import type { Bench } from '../helpers/lab.ts';

const types = ({ records }: Bench) => records.map(({ type }) => type);

/** The failure type behind a refused Update; fails the test when nothing was refused. */
async function refusedBy(update: Promise<unknown>): Promise<string> {
  const error = await update.then(
    () => expect.fail('the decision was taken'),
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(WorkflowUpdateFailedError);
  const { cause } = error as WorkflowUpdateFailedError;
  return cause instanceof ApplicationFailure ? String(cause.type) : String(cause);
}

/** What a session's workflow was started with. */
async function inputOf(handle: { fetchHistory(): Promise<History> }): Promise<object> {
  const [started] = (await handle.fetchHistory()).events ?? [];
  const [payload] = started?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  return JSON.parse(Buffer.from(payload?.data ?? []).toString()) as object;
}

describe('a session that passes', () => {
  test('goes from request to promotion, and says each step once', async () => {
    await withBench({}, async (bench) => {
      const session = await bench.start();
      const waiting = await session.atGate();
      expect(waiting).toMatchObject({
        status: 'waiting',
        detail: 'approval',
        gate: { id: 'approval-1', kind: 'approval', subject: digest('subject') },
      });
      await session.decideOpen({});
      expect(await session.ended()).toMatchObject({
        status: 'finished',
        outcome: 'promoted',
        gate: null,
        detail: null,
      });
      await session.handle.result();
      expect(types(bench)).toEqual([
        'session.started',
        'session.admitted',
        'round.started',
        'round.placed',
        'round.finished',
        'candidate.made',
        'validation.finished',
        'gate.opened',
        'gate.decided',
        'promotion.intended',
        'promotion.done',
        'session.ended',
      ]);
    });
  });

  test('that changed nothing finishes without asking anybody', async () => {
    await withBench({ runRound: async () => runResult({ patch: null }) }, async (bench) => {
      const session = await bench.start();
      expect(await session.ended()).toMatchObject({ status: 'finished', outcome: 'no_change' });
    });
  });

  test('takes a decision by Signal through the same guard', async () => {
    await withBench({}, async (bench) => {
      const session = await bench.start();
      const { gate } = await session.atGate();
      await session.handle.signal(messageNames.decideSignal, session.decision({ subject: digest('another') }));
      await session.handle.signal(messageNames.decideSignal, { rubbish: true });
      await session.handle.signal(messageNames.decideSignal, session.decision({ subject: gate?.subject ?? null }));
      expect(await session.ended()).toMatchObject({ outcome: 'promoted' });
      expect(types(bench).filter((type) => type === 'decision.refused')).toHaveLength(2);
    });
  });
});

describe('what the guard refuses', () => {
  test.each([
    ['another gate', { gate: 'approval-2' }, failures.gateStale],
    ['another session', { session: 's-other' }, failures.gateStale],
    ['another subject', { subject: digest('yesterday') }, failures.gateStale],
    ['what is not offered', { kind: 'raise' }, failures.gateNotOffered],
    ['an expired decision', { expiresAt: '2020-01-01T00:00:00.000Z' }, failures.decisionInvalid],
    ['an expiry that is no time', { expiresAt: 'soon' }, failures.decisionInvalid],
    ['an amendment without a patch', { kind: 'amend' }, failures.decisionInvalid],
  ] as const)('%s', async (_, change, type) => {
    await withBench({}, async (bench) => {
      const session = await bench.start();
      const { gate } = await session.atGate();
      const decision = { gate: 'approval-1', subject: gate?.subject ?? null, ...change };
      expect(await refusedBy(session.decide(decision))).toBe(type);
      expect((await session.atGate()).gate?.id).toBe('approval-1');
      await session.cancel();
    });
  });

  test('a decision while nothing is asked', async () => {
    const late = Promise.withResolvers<Base>();
    await withBench({ resolveBase: () => late.promise }, async (bench) => {
      const session = await bench.start();
      expect(await refusedBy(session.decide({}))).toBe(failures.gateNotOpen);
      const cancelled = session.cancel();
      late.resolve(base('base'));
      expect(await cancelled).toMatchObject({ status: 'cancelled' });
    });
  });

  test('a decision whose signature does not hold: it is recorded and the gate stays open', async () => {
    const verifyDecision = async () => {
      throw ApplicationFailure.create({ type: failures.decisionInvalid, message: 'forged', nonRetryable: true });
    };
    await withBench({ verifyDecision }, async (bench) => {
      const session = await bench.start();
      const { gate } = await session.atGate();
      expect(await refusedBy(session.decide({ subject: gate?.subject ?? null }))).toBe(failures.decisionInvalid);
      expect(types(bench)).toContain('decision.refused');
      expect((await session.atGate()).status).toBe('waiting');
      await session.cancel();
    });
  });

  test('a decision that comes after the deadline, to whoever was away meanwhile', async () => {
    const deadlines = { planMs: 60_000, approvalMs: 1_500, fallbackMs: 60_000 };
    const admit = async () => ({ verdict: 'admitted', job: admittedJob({ deadlines }), findings: [] }) as const;
    await withBench({ admit }, async (bench) => {
      const session = await bench.start();
      const { gate } = await session.atGate();
      await bench.withoutControl(async () => {
        await expect.poll(() => Date.now() > Date.parse(gate?.deadline ?? ''), { timeout: 5_000 }).toBe(true);
        await session.handle.signal(messageNames.decideSignal, session.decision({ subject: gate?.subject ?? null }));
      });
      expect(await session.ended()).toMatchObject({ status: 'refused', outcome: 'expired' });
    });
  });

  test('the same person twice where two must approve', async () => {
    const admit = async () => ({ verdict: 'admitted', job: admittedJob({ approvals: 2 }), findings: [] }) as const;
    await withBench({ admit }, async (bench) => {
      const session = await bench.start();
      await session.decideOpen({ actor: 'ada' });
      const { gate } = await session.atGate();
      const again = { gate: 'approval-1', subject: gate?.subject ?? null };
      expect(await refusedBy(session.decide({ ...again, actor: 'ada' }))).toBe(failures.decisionInvalid);
      await session.decide({ ...again, actor: 'grace' });
      expect(await session.ended()).toMatchObject({ outcome: 'promoted' });
    });
  });
});

describe('two doors and many people', () => {
  test('who comes second hears that the gate is decided, and the session goes on to its end', async () => {
    await withBench({}, async (bench) => {
      const session = await bench.start();
      const { gate } = await session.atGate();
      const decide = (actor: string) => session.decide({ actor, subject: gate?.subject ?? null });
      let deciding: Promise<unknown>[] = [];
      await bench.withoutControl(async () => {
        deciding = ['ada', 'grace'].map(decide);
        for (const each of deciding) each.catch(() => undefined);
        // Sent after them, and answered: by then both wait for whoever comes to run the workflow.
        await session.handle.signal(messageNames.promotionAnswered, null);
      });
      const answers = await Promise.allSettled(deciding);
      expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const refused = answers.find((answer) => answer.status === 'rejected');
      expect(await refusedBy(Promise.reject(refused?.reason as Error))).toBe(failures.gateNotOpen);
      expect(await session.ended()).toMatchObject({ outcome: 'promoted' });
    });
  });

  test('refusals that nobody hears are recorded, up to twenty a gate', async () => {
    await withBench({}, async (bench) => {
      const session = await bench.start();
      await session.atGate();
      for (let i = 0; i < 25; i++) await session.handle.signal(messageNames.decideSignal, { rubbish: i });
      await session.decideOpen({});
      expect(await session.ended()).toMatchObject({ outcome: 'promoted' });
      expect(types(bench).filter((type) => type === 'decision.refused')).toHaveLength(20);
    });
  });
});

test('the Temporal Web UI shows how far a session is, whom it waits for, and how it ended', async () => {
  await withBench({}, async (bench) => {
    const session = await bench.start();
    await session.atGate();
    const shown = async () => (await session.handle.describe()).searchAttributes;
    expect(await shown()).toMatchObject({ AasPhase: ['approval'], AasWaitingFor: ['approval-1'] });
    const { currentDetails } = await session.handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    expect(currentDetails).toContain('Waits for a person at gate `approval-1`');
    await session.decideOpen({});
    await session.ended();
    const ended = await shown();
    expect(ended).toMatchObject({ AasPhase: ['finished'], AasOutcome: ['promoted'] });
    expect(ended['AasWaitingFor'] ?? []).toEqual([]);
    const { events = [] } = await session.handle.fetchHistory();
    const summaries = events?.map(({ userMetadata }) => Buffer.from(userMetadata?.summary?.data ?? []).toString());
    expect(summaries).toEqual(expect.arrayContaining(['"round 1 on test"', '"person: approval-1"', '"promoter"']));
  });
});

describe('rubbish', () => {
  const rubbish = [
    [],
    [null],
    ['text'],
    [{ decision: null }],
    [{ id: 's', result: { kind: 'refused', findings: [null] } }],
  ];
  const signals = [messageNames.decideSignal, messageNames.promotionAnswered];
  test.each(rubbish)('%j by any Signal changes nothing, and the session goes on', async (...args) => {
    await withBench({}, async (bench) => {
      const session = await bench.start();
      await session.atGate();
      for (const signal of signals) await session.handle.signal(signal, ...args);
      await session.decideOpen({});
      expect(await session.ended()).toMatchObject({ outcome: 'promoted' });
    });
  });

  test.each([messageNames.decide, messageNames.cancel, messageNames.awaitState])(
    'by Update %s is refused',
    async (name) => {
      await withBench({}, async (bench) => {
        const session = await bench.start();
        await session.atGate();
        expect(await refusedBy(session.handle.executeUpdate(name, { args: [] }))).toMatch(/Bad|Invalid/);
        expect((await session.atGate()).status).toBe('waiting');
        await session.cancel();
      });
    },
  );

  test('a workflow that calls itself another’s session ends without a word on record', async () => {
    await withBench({}, async (bench) => {
      const session = await bench.start();
      await session.atGate();
      const before = bench.records.length;
      const args = [{ ...(await inputOf(session.handle)), goal: 'forged' }];
      const forged = { workflowId: `${session.id}-forged`, taskQueue: queues.sessions, args };
      await expect(bench.client.workflow.execute(workflowTypes.session, forged)).rejects.toThrow(/failed/);
      expect(bench.records).toHaveLength(before);
      await session.cancel();
    });
  });
});

describe('people', () => {
  test('reject, and the session is refused with their reason', async () => {
    await withBench({}, async (bench) => {
      const session = await bench.start();
      await session.decideOpen({ kind: 'reject', reason: 'not like this' });
      expect(await session.ended()).toMatchObject({ status: 'refused', outcome: 'rejected', reason: 'not like this' });
    });
  });

  test('say nothing, and silence is a refusal', async () => {
    const deadlines = { planMs: 500, approvalMs: 500, fallbackMs: 500 };
    const admit = async () => ({ verdict: 'admitted', job: admittedJob({ deadlines }), findings: [] }) as const;
    await withBench({ admit }, async (bench) => {
      const session = await bench.start();
      expect(await session.ended()).toMatchObject({ status: 'refused', outcome: 'expired' });
    });
  });

  test('retry from the last tree with a note, and then from the base', async () => {
    const starts: unknown[] = [];
    const runRound = async ({ startPatch, note, round }: { startPatch: unknown; note: unknown; round: number }) => {
      starts.push({ startPatch, note });
      return round < 3 ? runResult({ exitCode: 1, patch: artifact(`patch-${round}`) }) : runResult();
    };
    await withBench({ runRound }, async (bench) => {
      const session = await bench.start();
      expect(await session.decideOpen({ kind: 'retry', note: 'again' })).toMatchObject({
        kind: 'fallback',
        subject: null,
      });
      await session.decideOpen({ kind: 'retry', fresh: true });
      expect((await session.atGate()).gate).toMatchObject({ id: 'approval-3', offers: ['approve', 'reject', 'amend'] });
      expect(starts).toEqual([
        { startPatch: null, note: null },
        { startPatch: artifact('patch-1'), note: 'again' },
        { startPatch: null, note: null },
      ]);
      await session.cancel();
    });
  });

  test('retry after a round that came to nothing from the tree it began with', async () => {
    const starts: unknown[] = [];
    const runRound = async ({ startPatch, round }: { startPatch: unknown; round: number }) => {
      starts.push(startPatch);
      return round === 1
        ? runResult({ exitCode: 1, patch: artifact('patch-1') })
        : runResult({ verdict: 'killed', exitCode: null, patch: null });
    };
    await withBench({ runRound }, async (bench) => {
      const session = await bench.start();
      await session.decideOpen({ kind: 'retry' });
      await session.decideOpen({ kind: 'retry' });
      expect((await session.atGate()).gate?.id).toBe('fallback-3');
      expect(starts).toEqual([null, artifact('patch-1'), artifact('patch-1')]);
      await session.cancel();
    });
  });

  test('amend, and the amendment is judged and proven like any other change', async () => {
    const patches: unknown[] = [];
    const inspect = async ({ patch }: { patch: unknown }) => {
      patches.push(patch);
      return passed();
    };
    await withBench({ inspect, runRound: async () => runResult({ exitCode: 2, patch: null }) }, async (bench) => {
      const session = await bench.start();
      await session.decideOpen({ kind: 'amend', note: 'by hand', patch: artifact('amendment') });
      expect(await session.atGate()).toMatchObject({
        gate: { id: 'approval-2' },
        round: { hand: 'person', number: 2 },
      });
      expect(patches).toEqual([artifact('amendment')]);
      await session.decideOpen({});
      expect(await session.ended()).toMatchObject({ outcome: 'promoted' });
    });
  });

  test('see the plan first where policy wants it', async () => {
    const admit = async () => ({ verdict: 'admitted', job: admittedJob({ planGate: true }), findings: [] }) as const;
    await withBench({ admit }, async (bench) => {
      const session = await bench.start();
      expect(await session.decideOpen({ kind: 'reject' })).toMatchObject({ id: 'plan-1', subject: digest('plan') });
      expect(await session.ended()).toMatchObject({ status: 'refused', outcome: 'rejected' });
      expect(types(bench)).not.toContain('round.started');
    });
  });
});

describe('what stops a change', () => {
  test('admission: policy refuses, and nothing runs', async () => {
    const findings = [{ severity: 'deny', rule: 'agent.unknown', message: 'no such agent' }] as const;
    const admit = async () => ({ verdict: 'refused', bundleDigest: null, findings }) as const;
    await withBench({ admit }, async (bench) => {
      const session = await bench.start();
      expect(await session.ended()).toMatchObject({ status: 'refused', outcome: 'policy_denied', findings });
    });
  });

  test('an unusable source: the session fails and says why', async () => {
    const resolveBase = async () => {
      throw ApplicationFailure.create({ type: failures.sourceUnusable, message: 'no such ref', nonRetryable: true });
    };
    await withBench({ resolveBase }, async (bench) => {
      const session = await bench.start();
      expect(await session.ended()).toMatchObject({ status: 'failed', reason: 'no such ref' });
    });
  });

  test.each([
    ['a failing command', { runRound: async () => runResult({ exitCode: 3 }) }, /exit code 3/],
    ['a timeout', { runRound: async () => runResult({ verdict: 'timeout', exitCode: null }) }, /time limit/],
    ['policy', { inspect: async () => ({ verdict: 'deny', findings: [] }) as const }, /Policy stops/],
    ['a red check', { validate: async () => validation({ verdict: 'fail' }) }, /Checks failed/],
  ] as const)('%s opens the fallback gate, which cannot approve', async (_, change, reason) => {
    await withBench(change, async (bench) => {
      const session = await bench.start();
      const { gate } = await session.atGate();
      expect(gate).toMatchObject({ id: 'fallback-1', offers: ['retry', 'amend', 'reject'] });
      expect(gate?.reason).toMatch(reason);
      expect(await refusedBy(session.decide({ gate: 'fallback-1' }))).toBe(failures.gateNotOffered);
      await session.cancel();
    });
  });

  test('a host that takes nothing is lost; after two moves a person is asked', async () => {
    const lost = { hostLostAfterMs: 300, heartbeatMs: 500, runMs: 5_000, validateMs: 5_000 };
    const admit = async () => ({ verdict: 'admitted', job: admittedJob({ timings: lost }), findings: [] }) as const;
    await withBench({ admit, claim: async () => ({ hostId: 'gone', queue: 'host.gone' }) }, async (bench) => {
      const session = await bench.start();
      expect((await session.atGate()).gate?.id).toBe('fallback-1');
      expect(bench.records.filter(({ type }) => type === 'host.lost')).toHaveLength(3);
      await session.cancel();
    });
  });
});

describe('a base that moves', () => {
  const moving = (moves: number, subjects: readonly string[]) => {
    let asked = 0;
    let judged = 0;
    return {
      resolveBase: async () => base(`base-${asked}`),
      promote: async (request: Parameters<typeof promoted>[0]) =>
        asked++ < moves ? ({ kind: 'base_moved', commit: base(`base-${asked}`).commit } as const) : promoted(request),
      subject: async () => digest(subjects[Math.min(judged++, subjects.length - 1)] ?? 'subject'),
    };
  };

  test('under an equal subject is followed without asking again', async () => {
    await withBench(moving(2, ['same']), async (bench) => {
      const session = await bench.start();
      await session.decideOpen({});
      const ended = await session.ended();
      expect(ended).toMatchObject({ outcome: 'promoted', baseCommit: base('base-2').commit });
      expect(ended.promotion?.baseCommit).toBe(base('base-2').commit);
      expect(types(bench).filter((type) => type === 'gate.opened')).toHaveLength(1);
    });
  });

  test('under another subject voids the approval', async () => {
    await withBench(moving(1, ['before', 'after']), async (bench) => {
      const session = await bench.start();
      expect((await session.decideOpen({})).subject).toBe(digest('before'));
      const gate = await session.decideOpen({});
      expect(gate).toMatchObject({ id: 'approval-1', subject: digest('after') });
      expect(await session.ended()).toMatchObject({ outcome: 'promoted' });
    });
  });

  test('four times is a person to decide on', async () => {
    await withBench(moving(9, ['same']), async (bench) => {
      const session = await bench.start();
      await session.decideOpen({});
      expect((await session.atGate()).gate).toMatchObject({ id: 'fallback-1' });
      await session.cancel();
    });
  });
});

describe('cancel', () => {
  test('before anything has happened', async () => {
    await withBench({}, async (bench) => {
      for (let i = 0; i < 5; i++) {
        const session = await bench.start();
        expect(await session.cancel()).toMatchObject({ status: 'cancelled' });
        expect(types(bench)).toContain('session.cancel_requested');
      }
    });
  });

  test('at a gate: the session is cancelled and the answer says so', async () => {
    await withBench({}, async (bench) => {
      const session = await bench.start();
      await session.atGate();
      expect(await session.cancel()).toMatchObject({ status: 'cancelled', gate: null });
    });
  });

  test('by Temporal itself, without saying who', async () => {
    await withBench({}, async (bench) => {
      const session = await bench.start();
      await session.atGate();
      await session.handle.cancel();
      expect(await session.ended()).toMatchObject({ status: 'cancelled' });
    });
  });

  test('while promoting answers with what really happened', async () => {
    const writing = Promise.withResolvers<void>();
    const written = Promise.withResolvers<void>();
    const promote = async (request: Parameters<typeof promoted>[0]) => {
      writing.resolve();
      await written.promise;
      return promoted(request);
    };
    await withBench({ promote }, async (bench) => {
      const session = await bench.start();
      await session.decideOpen({});
      await writing.promise;
      const cancelled = await session.startCancel();
      written.resolve();
      expect(await cancelled.ended).toMatchObject({ status: 'finished', outcome: 'promoted' });
    });
  });
});
