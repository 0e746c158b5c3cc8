/**
 * Records a history for each way a session can go that has none yet, into `test/histories/`: `make record-histories`.
 *
 * Sessions that run while a new version is deployed are replayed by it, so an old history must go on replaying, and none is
 * written over unasked. When a workflow gets a new way, add it below. `node scripts/record-histories.ts NAME...` records the
 * named ones anew: only when nobody runs the version that wrote them any more.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { temporalCli } from '../temporal/cli.ts';
import { loadConfig } from '../temporal/config.ts';
import { startDevServer } from '../temporal/dev-server.ts';
import { messageNames, workflowIds } from '../temporal/contract/messages.ts';
import { searchAttributeNames } from '../temporal/search-attributes.ts';
import { admittedJob, artifact, base, passed, promoted, runResult, validation } from '../test/helpers/fake-steps.ts';
import type { Steps } from '../test/helpers/fake-steps.ts';
import { openLab } from '../test/helpers/lab.ts';
import type { Bench, TestSession } from '../test/helpers/lab.ts';

interface Way {
  /** Whose history it is: that of the target's single writer where this says so. */
  readonly of?: 'writer';
  readonly steps?: () => Partial<Steps>;
  readonly people: (session: TestSession, bench: Bench) => Promise<unknown>;
}

/** Approves, and answers the session's request for promotion only after `meanwhile`. */
async function whilePromoting(session: TestSession, bench: Bench, meanwhile: () => Promise<unknown>): Promise<void> {
  const answered = Promise.withResolvers<void>();
  bench.steps.promote = async (request) => {
    await answered.promise;
    return promoted(request);
  };
  await session.decideOpen({});
  while (!bench.records.some(({ type }) => type === 'promotion.intended')) await delay(20);
  await meanwhile();
  answered.resolve();
}

const lost = { hostLostAfterMs: 300, heartbeatMs: 500, runMs: 5_000, validateMs: 5_000 };
const soon = { planMs: 300, approvalMs: 300, fallbackMs: 300 };
const admitting = (change: Parameters<typeof admittedJob>[0]): Partial<Steps> => ({
  admit: async () => ({ verdict: 'admitted', job: admittedJob(change), findings: [] }),
});

const ways: Readonly<Record<string, Way>> = {
  promoted: { people: (session) => session.decideOpen({}) },
  rejected: { people: (session) => session.decideOpen({ kind: 'reject', reason: 'no' }) },
  expired: { steps: () => admitting({ deadlines: soon }), people: () => Promise.resolve() },
  'no-change': { steps: () => ({ runRound: async () => runResult({ patch: null }) }), people: () => Promise.resolve() },
  refused: {
    steps: () => ({ admit: async () => ({ verdict: 'refused', bundleDigest: null, findings: [] }) }),
    people: () => Promise.resolve(),
  },
  'plan-gate': {
    steps: () => admitting({ planGate: true }),
    people: async (session) => {
      await session.decideOpen({});
      await session.decideOpen({});
    },
  },
  'retry-then-amend': {
    steps: () => ({ runRound: async ({ round }) => runResult({ exitCode: round, patch: artifact(`patch-${round}`) }) }),
    people: async (session) => {
      await session.decideOpen({ kind: 'retry', note: 'again' });
      await session.decideOpen({ kind: 'amend', patch: artifact('amendment') });
      await session.decideOpen({});
    },
  },
  'denied-then-failed-checks': {
    steps: () => {
      let judged = 0;
      return {
        inspect: async () => (judged++ === 0 ? { verdict: 'deny', findings: [] } : passed()),
        validate: async () => validation({ verdict: 'fail' }),
      };
    },
    people: async (session) => {
      await session.decideOpen({ kind: 'retry' });
      await session.decideOpen({ kind: 'reject' });
    },
  },
  'base-moved': {
    steps: () => {
      let asked = 0;
      return {
        resolveBase: async () => base(`base-${asked}`),
        promote: async (request) =>
          asked++ < 2 ? { kind: 'base_moved', commit: base(`base-${asked}`).commit } : promoted(request),
      };
    },
    people: (session) => session.decideOpen({}),
  },
  'host-lost': {
    steps: () => ({ ...admitting({ timings: lost }), claim: async () => ({ hostId: 'gone', queue: 'host.gone' }) }),
    people: (session) => session.decideOpen({ kind: 'reject' }),
  },
  cancelled: {
    people: async (session) => {
      await session.atGate();
      await session.cancel();
    },
  },
  'cancelled-while-promoting': {
    people: (session, bench) => whilePromoting(session, bench, () => session.startCancel()),
  },
  'promoter-silent': {
    people: (session, bench) => {
      const silence = { id: `${session.id}/1`, result: { kind: 'unknown', message: 'silent' } };
      return whilePromoting(session, bench, () => session.handle.signal(messageNames.promotionAnswered, silence));
    },
  },
  'single-writer': { of: 'writer', people: (session) => session.decideOpen({}) },
};

/** The ways to record: those asked for, else those without a history. Throws on a name that is no way's. */
export function waysToRecord(asked: readonly string[], hasHistory: (name: string) => boolean): [string, Way][] {
  const unknown = asked.filter((name) => !(name in ways));
  if (unknown.length > 0) {
    throw new Error(`There is no way ${unknown.join(', ')} to record. One of: ${Object.keys(ways).join(', ')}`);
  }
  return Object.entries(ways).filter(([name]) => (asked.length > 0 ? asked.includes(name) : !hasHistory(name)));
}

async function record(): Promise<void> {
  const folder = fileURLToPath(new URL('../test/histories/', import.meta.url));
  const fileOf = (name: string) => `${folder}${name}.json`;
  const asked = process.argv.slice(2);
  const chosen = waysToRecord(asked, (name) => existsSync(fileOf(name)));
  if (chosen.length === 0) {
    process.stdout.write('Every way has its history.\n');
    return;
  }
  const cli = temporalCli(loadConfig());
  const server = await startDevServer({ cli, namespace: 'default', searchAttributes: searchAttributeNames });
  const lab = await openLab(server.address);
  try {
    for (const [name, { of, steps, people }] of chosen) {
      const bench = lab.bench(steps?.() ?? {});
      const session = await bench.start();
      await people(session, bench);
      await session.ended();
      const recorded = of === 'writer' ? await writerOf(bench) : session.handle;
      const history = JSON.parse(historyToJSON(await recorded.fetchHistory())) as unknown;
      await writeFile(fileOf(name), `${JSON.stringify(history)}\n`, { flag: asked.length > 0 ? 'w' : 'wx' });
      process.stdout.write(`${name}\n`);
    }
  } finally {
    await lab.close();
    await server.stop();
  }
}

async function writerOf({ client, records }: Bench): Promise<WorkflowHandle> {
  const { target } = records.find(({ type }) => type === 'promotion.intended')?.data as { target: { key: string } };
  const writer = client.workflow.getHandle(workflowIds.promotions(target.key));
  await writer.result();
  return writer;
}

if (import.meta.main) await record();
