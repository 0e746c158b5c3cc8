import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StoreUnavailable } from '../../store/errors.ts';
import { openStore } from '../../store/open-store.ts';
import { connect } from '../../store/sqlite/connection.ts';
import { digest, newSession, recordOf } from './fixtures.ts';
import { openSqliteFile } from './sqlite-file.ts';
import { storeContract } from './store-contract.ts';

storeContract('SQLite', openSqliteFile);

let kept: Awaited<ReturnType<typeof openSqliteFile>>;
beforeEach(async () => {
  kept = await openSqliteFile();
});
afterEach(() => kept.release());

test('several processes open a new store and append at once: no gap, no fork, nothing lost', async () => {
  const file = `${kept.file}-shared`;
  const script = fileURLToPath(new URL('./append-many.ts', import.meta.url));
  const writers = ['p1', 'p2', 'p3', 'p4'].map((session) => fork(script, [file, session, '100']));
  const ends = await Promise.all(writers.map((writer) => once(writer, 'exit')));
  expect(ends.map(([code]) => code as number)).toEqual([0, 0, 0, 0]);

  const store = await openStore(file);
  try {
    expect(await store.verify()).toMatchObject({ kind: 'intact', records: 4 * 101 });
    for (const session of ['p1', 'p2', 'p3', 'p4']) {
      expect((await store.events(session, 0, 1000)).map(({ number }) => number)).toEqual(
        Array.from({ length: 101 }, (_, n) => n + 1),
      );
    }
  } finally {
    await store.close();
  }
});

test('what was recorded is there after the process was killed', async () => {
  const script = fileURLToPath(new URL('./append-many.ts', import.meta.url));
  const writer = fork(script, [kept.file, 's1', '100000'], { stdio: 'pipe' });
  await once(writer, 'message');
  writer.kill('SIGKILL');
  await once(writer, 'exit');

  const verdict = await kept.store.verify();
  expect(verdict.kind).toBe('intact');
  await kept.store.record(recordOf('s1', 'after'));
  expect(await kept.store.verify()).toMatchObject({
    kind: 'intact',
    records: (verdict.kind === 'intact' ? verdict.records : 0) + 1,
  });
});

test('a record whose row cannot be written is not in the log either', async () => {
  await kept.store.createSession(newSession('s1'));
  const other = new DatabaseSync(kept.file);
  other.exec(`create trigger no before update on sessions begin select raise(abort, 'not this row'); end`);
  await expect(kept.store.record(recordOf('s1', '1'))).rejects.toThrow('not this row');
  other.exec('drop trigger no');
  other.exec(`create trigger no before insert on artifact_refs begin select raise(abort, 'not this reference'); end`);
  await expect(
    kept.store.record(recordOf('s1', '1', { change: { status: 'running' }, artifacts: [digest('e')] })),
  ).rejects.toThrow('not this reference');
  other.exec('drop trigger no');
  other.close();
  expect(await kept.store.session('s1')).toMatchObject({ status: 'queued' });
  expect(await kept.store.verify()).toMatchObject({ kind: 'intact', records: 1 });
});

test('syncs at each commit, and lets readers go on', async () => {
  const db = connect(kept.file);
  const pragma = async (name: string) =>
    (await sql.raw<Record<string, unknown>>(`PRAGMA ${name}`).execute(db)).rows[0]?.[name];
  try {
    expect(await pragma('journal_mode')).toBe('wal');
    expect(await pragma('synchronous')).toBe(2);
  } finally {
    await db.destroy();
  }
});

test('verifies one state of the file while others write', async () => {
  await kept.store.createSession(newSession('s1'));
  for (let n = 0; n < 20; n++) await kept.store.record(recordOf('s1', `${n}`));
  const [verdict] = await Promise.all([
    kept.store.verify(),
    ...Array.from({ length: 20 }, (_, n) => kept.store.record(recordOf('s1', `more-${n}`))),
  ]);
  expect(verdict.kind).toBe('intact');
});

test('says what is wrong with a file that is no store', async () => {
  const other = join(kept.file, '..', 'other');
  await writeFile(other, 'x'.repeat(5000));
  await expect(openStore(other)).rejects.toThrow(/no SQLite database/);
  await expect(openStore(join(kept.file, '..', 'missing', 'store.sqlite'))).rejects.toThrow(StoreUnavailable);
});

test(
  'a store that somebody keeps locked is unavailable, and writes again afterwards',
  { timeout: 15_000 },
  async () => {
    await kept.store.createSession(newSession('s1'));
    const other = new DatabaseSync(kept.file);
    other.exec('begin immediate');
    await expect(kept.store.record(recordOf('s1', '1'))).rejects.toThrow(/locked for too long/);
    other.exec('rollback');
    other.close();
    await expect(kept.store.record(recordOf('s1', '1'))).resolves.toMatchObject({ sequence: 2 });
  },
);
