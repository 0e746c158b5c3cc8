/** The log is the record: rows that were lost or scribbled over are made again from it, and from its export. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exportLog, exportedLines } from '../../store/export.ts';
import { openStore } from '../../store/open-store.ts';
import type { Store } from '../../store/port.ts';
import { ChainBroken } from '../../store/verify-lines.ts';
import { digest, newSession, recordOf, stateOf } from './fixtures.ts';
import { openSqliteFile } from './sqlite-file.ts';

let kept: Awaited<ReturnType<typeof openSqliteFile>>;
let store: Store;
const idempotency = { caller: 'user:ada', key: 'k', bodyDigest: digest('b') };
const ids = ['s3', 's1', 's2', 's4'];

beforeEach(async () => {
  kept = await openSqliteFile();
  store = kept.store;
  await store.createSession(newSession('s3', { requestBytes: 7 }));
  await store.createSession(newSession('s1', { idempotency, request: digest('c') }));
  await store.createSession(newSession('s2', { state: stateOf('s2', { goal: 'One line\u2028and\u2029more' }) }));
  await store.createSession(newSession('s4', { state: stateOf('s4', { repository: '/srv/other' }) }));
  for (const id of ['s1', 's2', 's4']) await store.markStarted(id);
  await store.record(recordOf('s1', '1', { change: { status: 'finished' }, artifacts: [digest('d')] }));
  await store.record(recordOf('s2', '1', { change: { status: 'finished', reason: 'done' } }));
  await store.record(recordOf('s4', '1', { change: { status: 'running', detail: 'executing' } }));
  const sealed = { type: 'session.sealed', data: { history: digest('f') }, artifacts: [digest('f')] };
  await store.record(recordOf('s2', 'seal', sealed));
});
afterEach(() => kept.release());

/** Whatever can be asked of the rows. */
async function views(of: Store) {
  const one = (id: string) => Promise.all([of.session(id), of.history(id), of.events(id, 0, 100)]);
  return {
    page: await of.sessions({ limit: 3 }),
    other: await of.sessions({ limit: 3, repository: '/srv/other', status: 'running', requester: 'user:ada' }),
    each: await Promise.all(ids.map(one)),
    queues: [await of.unstarted(9), await of.unsealed(null, 9), await of.unended(null, 9)],
    counts: await of.countByStatus(),
    referrers: await Promise.all([...'abcdef'].map((character) => of.referrers(digest(character)))),
    sameKey: await of.createSession(newSession('s9', { idempotency })),
    otherBody: await of.createSession(newSession('s9', { idempotency: { ...idempotency, bodyDigest: digest('e') } })),
    verdict: await of.verify(),
  };
}

function scribble(statement: string): void {
  const database = new DatabaseSync(kept.file);
  database.exec(statement);
  database.close();
}

test.each([
  ['dropped', 'delete from sessions; delete from artifact_refs'],
  ['scribbled over', `update sessions set state = '{}', status = 'x', records = 99, sealed = 0, history = null`],
  ['taken from their keys', `update sessions set caller = null, idempotency_key = null, request_bytes = 0`],
  ['never started', `update sessions set started = 1 - started`],
  [
    'joined by one that was never requested',
    `insert into sessions select 's5', 99, created_at, status, repository, requester, state, records, request,
    request_bytes, null, null, null, started, sealed, history from sessions where id = 's2';
    insert into artifact_refs values ('${digest('e')}', 's5')`,
  ],
])('rows that were %s are as they were', async (_, statement) => {
  const before = await views(store);
  expect(before.verdict).toMatchObject({ kind: 'intact' });
  scribble(statement);
  expect(await store.rebuild()).toBe(4);
  expect(await views(store)).toEqual(before);
});

test('a session that was marked as started and has recorded nothing counts as not started', async () => {
  await store.markStarted('s3');
  await store.rebuild();
  expect(await store.unstarted(9)).toMatchObject([{ state: { id: 's3' } }]);
});

test('of a log that was tampered with nothing is made', async () => {
  scribble(`update audit_log set line = replace(line, '"reason":"done"', '"reason":"gone"')`);
  const before = await store.sessions({ limit: 9 });
  await expect(store.rebuild()).rejects.toThrow(ChainBroken);
  expect(await store.sessions({ limit: 9 })).toEqual(before);
});

async function exported(): Promise<string> {
  let text = '';
  for await (const line of exportLog(store)) text += line;
  return text;
}

/** In pieces that end anywhere. */
async function* inPieces(text: string, length: number) {
  for (let at = 0; at < text.length; at += length) yield text.slice(at, at + length);
}

test('an export into an empty store is that store again', async () => {
  const text = await exported();
  const other = await openStore(`${kept.file}-other`);
  try {
    const cut = text.slice(0, -20);
    await expect(other.rebuild(exportedLines(inPieces(cut, 100)))).rejects.toThrow(/record 8 cannot be read/);
    expect(await other.verify()).toMatchObject({ kind: 'intact', records: 0 });

    expect(await other.rebuild(exportedLines(inPieces(text, 7)))).toBe(4);
    expect(await views(other)).toEqual(await views(store));
    await expect(other.rebuild(exportedLines(inPieces(text, 7)))).rejects.toThrow(/has a log already/);
    await other.record(recordOf('s4', '2'));
    expect(await other.verify()).toMatchObject({ kind: 'intact', records: 9 });
  } finally {
    await other.close();
  }
});

test('the command takes an export back, and says what it refuses', async () => {
  const home = await mkdtemp(join(tmpdir(), 'aas-rebuild-'));
  const file = join(home, 'audit.jsonl');
  const command = fileURLToPath(new URL('../../workers/rebuild.ts', import.meta.url));
  const run = () => promisify(execFile)(process.execPath, [command, file], { env: { AAS_HOME: home } });
  try {
    await writeFile(file, await exported());
    expect((await run()).stdout).toBe('4 sessions, made again from their records\n');
    await expect(run()).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has a log already') as string,
    });
    const other = await openStore(join(home, 'store.sqlite'));
    expect(await other.verify()).toEqual(await store.verify());
    await other.close();
  } finally {
    await rm(home, { recursive: true });
  }
});
