/** P11: alter, drop, reorder, insert or cut, and the verifier names the place. */
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hashLine, readLine, writeLine } from '../../store/line.ts';
import type { AuditRecord } from '../../store/port.ts';
import { verifyLines } from '../../store/verify-lines.ts';
import type { RecordReceipt } from '../../temporal/contract/messages.ts';
import { digest, newSession, recordOf } from './fixtures.ts';
import { openSqliteFile } from './sqlite-file.ts';

let kept: Awaited<ReturnType<typeof openSqliteFile>>;
let lines: string[];
let head: RecordReceipt;

beforeEach(async () => {
  kept = await openSqliteFile();
  const { store } = kept;
  for (const id of ['s1', 's2']) await store.createSession(newSession(id));
  for (let n = 3; n <= 7; n++) {
    head = await store.record(
      recordOf(n % 2 ? 's1' : 's2', `${n}`, { change: { reason: `${n}` }, artifacts: [digest('b')] }),
    );
  }
  lines = (await store.lines(0, 100)).map(({ line }) => line);
});
afterEach(() => kept.release());

test('the untouched log and store are intact', async () => {
  expect(lines).toHaveLength(7);
  expect(await verifyLines(lines, { head })).toEqual({ kind: 'intact', records: 7, head: head.hash });
  expect(await kept.store.verify({ head })).toEqual({ kind: 'intact', records: 7, head: head.hash });
});

const lineAt = (sequence: number) => lines[sequence - 1] ?? '';
const altered = (sequence: number, change: Partial<AuditRecord>) =>
  writeLine({ ...readLine(lineAt(sequence)), ...change });

test.each<[string, number, () => string[]]>([
  ['an altered record (seen at the next one)', 5, () => lines.with(3, altered(4, { actor: 'user:eve' }))],
  ['a dropped record', 4, () => lines.toSpliced(3, 1)],
  ['the first record dropped', 1, () => lines.slice(1)],
  ['two records reordered', 3, () => lines.with(2, lineAt(4)).with(3, lineAt(3))],
  ['a record twice', 5, () => lines.toSpliced(4, 0, lineAt(4))],
  ['an inserted record', 5, () => lines.toSpliced(4, 0, altered(4, { sequence: 5, number: 9 }))],
  ['a middle cut out', 3, () => lines.toSpliced(2, 3)],
  ['a line cut in two', 7, () => lines.with(6, lineAt(7).slice(0, -10))],
  ['white space', 4, () => lines.with(3, lineAt(4).replace(',', ', '))],
  ['a line that is no record', 4, () => lines.with(3, '{}')],
  ['an empty line', 8, () => [...lines, '']],
  ['an event number skipped', 7, () => lines.with(6, altered(7, { number: 9 }))],
])('names %s', async (_, sequence, tampered) => {
  expect(await verifyLines(tampered())).toMatchObject({ kind: 'broken', sequence });
});

test('a cut tail, or another last record, is seen against a known head and only then', async () => {
  expect(await verifyLines(lines.slice(0, 5))).toMatchObject({ kind: 'intact', records: 5 });
  expect(await verifyLines(lines.slice(0, 5), { head })).toMatchObject({ kind: 'broken', sequence: 6 });
  expect(await verifyLines(lines.with(6, altered(7, { actor: 'user:eve' })), { head })).toMatchObject({ sequence: 7 });
});

test.each<[string, number, string]>([
  ['a line altered', 4, `update audit_log set line = replace(line, '"reason":"4"', '"reason":"5"') where sequence = 4`],
  [
    'a line altered with its hash',
    5,
    `update audit_log set line = replace(line, '"reason":"4"', '"reason":"5"'),
    hash = sha256_of(replace(line, '"reason":"4"', '"reason":"5"')) where sequence = 4`,
  ],
  ['a look-up column altered', 4, `update audit_log set session = 's1', number = 90 where sequence = 4`],
  ['a kept hash altered', 4, `update audit_log set hash = '${digest('0')}' where sequence = 4`],
  ['a record dropped', 4, 'delete from audit_log where sequence = 4'],
  ['a record moved', 4, 'update audit_log set sequence = 99 where sequence = 4'],
  ['a record inserted', 8, `insert into audit_log values (8, 'x', 's1', 6, '{}', '${digest('0')}')`],
  ['a record before the first', 1, `insert into audit_log values (-1, 'x', 's1', 0, '{}', '${digest('0')}')`],
  ['a state altered', 7, `update sessions set state = replace(state, '"reason":"7"', '"reason":"8"') where id = 's1'`],
  ['a column altered', 6, `update sessions set status = 'finished' where id = 's2'`],
  ['a request altered', 6, `update sessions set request = '${digest('f')}' where id = 's2'`],
  ['a row dropped', 2, `delete from sessions where id = 's2'`],
  [
    'a row inserted',
    99,
    `insert into sessions select 's3', 99, created_at, status, repository, requester, state, records, request,
    request_bytes, caller, idempotency_key, body_digest, started, sealed, history from sessions where id = 's2'`,
  ],
  ['a reference inserted', 7, `insert into artifact_refs values ('${digest('e')}', 's1')`],
  ['a reference dropped', 6, `delete from artifact_refs where session = 's2' and digest = '${digest('b')}'`],
  ['a reference by nobody', 0, `insert into artifact_refs values ('${digest('e')}', 's9')`],
])('the store names %s', async (_, sequence, statement) => {
  const database = new DatabaseSync(kept.file);
  database.function('sha256_of', (line) => hashLine(String(line)));
  const { changes } = database.prepare(statement).run();
  database.close();
  expect(changes).toBe(1);
  expect(await kept.store.verify()).toMatchObject({ kind: 'broken', sequence });
});

test('a whole forged chain is seen against a known head', async () => {
  let prevhash = readLine(lineAt(1)).prevhash;
  const forged = lines.map((line) => {
    const next = writeLine({ ...readLine(line), prevhash, actor: 'user:eve' });
    prevhash = hashLine(next);
    return next;
  });
  expect(await verifyLines(forged)).toMatchObject({ kind: 'intact' });
  expect(await verifyLines(forged, { head })).toMatchObject({ kind: 'broken', sequence: 7 });
});
