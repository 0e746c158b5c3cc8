/** What is wrong with one session keeps no other from its end; the store is the real one, Temporal is the test's own. */
import { ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openArtifactDirectory } from '../../artifacts/directory-artifact-store.ts';
import { endLost, sealEnded } from '../../activities/seal.ts';
import type { SealPorts } from '../../activities/seal.ts';
import { workflowIds } from '../../temporal/contract/messages.ts';
import { startSealer } from '../../workers/sealer.ts';
import { newSession, recordOf } from '../store/fixtures.ts';
import { openSqliteFile } from '../store/sqlite-file.ts';

let kept: Awaited<ReturnType<typeof openSqliteFile>>;
/** How each workflow stands, by session; an error is what asking for it brings. None: Temporal does not know it. */
let workflows: Map<string, string | Error>;
let counted: string[];
let failed: string[];
let ports: SealPorts;
/** What happens while Temporal is asked. */
let whenAsked: (workflowId: string) => Promise<unknown>;

beforeEach(async () => {
  kept = await openSqliteFile();
  workflows = new Map();
  counted = [];
  failed = [];
  whenAsked = async () => undefined;
  ports = {
    artifacts: openArtifactDirectory(`${kept.file}-artifacts`),
    store: kept.store,
    temporal: fakeTemporal(),
    onSealed: ({ id }) => void counted.push(id),
    onFailed: (id) => void failed.push(id),
  };
});
afterEach(() => kept.release());

function fakeTemporal(): Client {
  const getHandle = (workflowId: string) => ({
    async describe() {
      const state = [...workflows].find(([id]) => workflowIds.session(id) === workflowId)?.[1];
      if (state === undefined) throw new WorkflowNotFoundError('not found', workflowId, undefined);
      if (state instanceof Error) throw state;
      await whenAsked(workflowId);
      return { status: { name: state } };
    },
    fetchHistory: async () => ({ events: [] }),
  });
  return { workflow: { getHandle } } as unknown as Client;
}

/** Sessions that were started; with a status, each has a record that says so. */
async function sessions(ids: string[], status: 'running' | 'finished'): Promise<void> {
  for (const id of ids) {
    await kept.store.createSession(newSession(id));
    await kept.store.record(recordOf(id, '1', { change: { status } }));
  }
}
const sealOf = async (id: string) => (await kept.store.events(id, 0, 10)).find(({ type }) => type === 'session.sealed');
const broken = new Error('its history cannot be read');
/** As the client throws it when nobody listens. */
const away = new ServiceError('Failed', {
  cause: Object.assign(new Error('No connection'), { code: 14, details: 'No connection', metadata: {} }),
});

describe('a session that cannot be sealed', () => {
  test('is told, and the others are sealed', async () => {
    await sessions(['s1', 's2', 's3', 's4'], 'finished');
    workflows = new Map<string, string | Error>([
      ['s1', 'COMPLETED'],
      ['s2', broken],
      ['s3', 'RUNNING'],
      ['s4', 'FAILED'],
    ]);
    expect(await sealEnded(ports, null)).toEqual({ sealed: ['s1', 's4'], closing: 1, next: null });
    expect(failed).toEqual(['s2']);
    workflows.set('s2', 'COMPLETED');
    expect(await sealEnded(ports, null)).toEqual({ sealed: ['s2'], closing: 1, next: null });
    expect(counted).toEqual(['s1', 's4', 's2']);
  });

  test('a hundred of them, the oldest there are, do not keep those behind them waiting', async () => {
    const stuck = Array.from({ length: 100 }, (_, n) => `s${1000 + n}`);
    await sessions([...stuck, 's2000'], 'finished');
    for (const id of stuck) workflows.set(id, broken);
    workflows.set('s2000', 'COMPLETED');
    const first = await sealEnded(ports, null);
    expect(first).toEqual({ sealed: [], closing: 0, next: 's1099' });
    expect(failed).toEqual(stuck);

    // The sealer goes on by itself, long before it is time to begin again; and says which are stuck.
    const logged: string[] = [];
    const logger = pino({}, { write: (line: string) => void logged.push(line) });
    const sealer = startSealer(ports, 600_000, logger);
    try {
      await expect.poll(() => counted, { timeout: 10_000 }).toEqual(['s2000']);
    } finally {
      await sealer.stop();
    }
    expect(logged.map((line) => (JSON.parse(line) as { session?: string }).session)).toEqual(stuck);
  });

  test('a workflow that cannot be asked for keeps no other row from being ended', async () => {
    await sessions(['s1', 's2'], 'running');
    workflows.set('s1', broken);
    workflows.set('s2', 'TERMINATED');
    expect(await endLost(ports, null)).toBeNull();
    expect(failed).toEqual(['s1']);
    expect(await kept.store.session('s2')).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('outside') as string,
    });
  });
});

test('a session that ends by itself while it is looked at keeps its own end', async () => {
  await sessions(['s1'], 'running');
  workflows.set('s1', 'COMPLETED');
  whenAsked = () => kept.store.record(recordOf('s1', 'end', { change: { status: 'finished', outcome: 'promoted' } }));
  await endLost(ports, null);
  expect(await kept.store.session('s1')).toMatchObject({ status: 'finished', outcome: 'promoted' });
});

test('while Temporal is away nothing is tried in vain for each session', async () => {
  await sessions(['s1', 's2'], 'finished');
  for (const id of ['s1', 's2']) workflows.set(id, away);
  await expect(sealEnded(ports, null)).rejects.toBe(away);
  expect(failed).toEqual([]);
});

test('a session that Temporal has forgotten is sealed without a history, and says so', async () => {
  await sessions(['s1'], 'finished');
  expect(await sealEnded(ports, null)).toMatchObject({ sealed: ['s1'] });
  expect(await sealOf('s1')).toMatchObject({ data: { history: null, events: 0, closed: 'DELETED' }, artifacts: [] });
  expect(await kept.store.history('s1')).toBeNull();
});

test('two control workers seal a session once, and one of them counts it', async () => {
  await sessions(['s1', 's2'], 'finished');
  for (const id of ['s1', 's2']) workflows.set(id, 'COMPLETED');
  const other = await kept.reopen();
  try {
    await Promise.all([sealEnded(ports, null), sealEnded({ ...ports, store: other }, null)]);
    expect(counted.sort()).toEqual(['s1', 's2']);
    expect(await kept.store.verify()).toMatchObject({ kind: 'intact', records: 6 });
  } finally {
    await other.close();
  }
});

test('a paused workflow has not ended; one that was ended while it was promoted says where to look', async () => {
  await sessions(['s-a', 's-b'], 'running');
  await kept.store.record(recordOf('s-b', '2', { change: { detail: 'promoting' } }));
  workflows.set('s-a', 'PAUSED').set('s-b', 'TERMINATED');
  await endLost(ports, null);
  expect(await kept.store.session('s-a')).toMatchObject({ status: 'running' });
  expect(await kept.store.session('s-b')).toMatchObject({
    status: 'failed',
    reason: 'The workflow was ended from outside (terminated) while it was promoted: look at the target',
  });
});
