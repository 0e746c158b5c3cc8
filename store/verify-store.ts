/** Recomputes a whole store from its log: the chain, the log's look-up columns, each session's row and references. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { RecordReceipt } from '../temporal/contract/messages.ts';
import type { FoldedRow } from './fold.ts';
import { foldRecord } from './fold.ts';
import { readLine } from './line.ts';
import type { AuditRecord, AuditVerdict } from './port.ts';
import type { SessionsTable, Tables } from './tables.ts';
import { ChainBroken, brokenVerdict, createChain } from './verify-lines.ts';

const page = 500;

/** `db` is one connection inside one snapshot. Resolves with the first bad place: the chain first, then the rows. */
export async function verifyStore(db: Kysely<Tables>, head?: RecordReceipt): Promise<AuditVerdict> {
  try {
    const verdict = await verifyChain(db, head);
    if (verdict.kind === 'intact') {
      await verifyRowsOfLog(db);
      await verifyRows(db);
    }
    return verdict;
  } catch (error) {
    return brokenVerdict(error);
  }
}

/** The lines and what is kept beside them. Rejects `ChainBroken`; what a known head tells is the verdict. */
export async function verifyChain(db: Kysely<Tables>, head?: RecordReceipt): Promise<AuditVerdict> {
  const chain = createChain(head);
  for (let after = Number.MIN_SAFE_INTEGER; ;) {
    const rows = await db
      .selectFrom('audit_log')
      .selectAll()
      .where('sequence', '>', after)
      .orderBy('sequence')
      .limit(page)
      .execute();
    for (const { line, ...columns } of rows) {
      const { record, hash } = chain.next(line);
      const told: Record<string, unknown> = { ...record, hash };
      for (const [column, value] of Object.entries(columns)) {
        if (told[column] === value) continue;
        throw new ChainBroken(
          record.sequence,
          `the ${column} kept beside record ${record.sequence} is not the record's`,
        );
      }
    }
    const last = rows.at(-1);
    if (!last) return chain.end();
    after = last.sequence;
    await nextTurn();
  }
}

/** Records without a row, rows without a record, and references by neither. */
async function verifyRowsOfLog(db: Kysely<Tables>): Promise<void> {
  const lost = await db
    .selectFrom('audit_log')
    .select(['sequence', 'session'])
    .where('session', 'not in', db.selectFrom('sessions').select('id'))
    .orderBy('sequence')
    .limit(1)
    .executeTakeFirst();
  if (lost) throw new ChainBroken(lost.sequence, `the row of session ${lost.session} is missing`);
  const stray = await db
    .selectFrom('artifact_refs')
    .selectAll()
    .where('session', 'not in', db.selectFrom('audit_log').select('session'))
    .limit(1)
    .executeTakeFirst();
  if (stray)
    throw new ChainBroken(0, `a reference to ${stray.digest} names session ${stray.session}, which has no record`);
}

async function verifyRows(db: Kysely<Tables>): Promise<void> {
  for (let after = Number.MIN_SAFE_INTEGER; ;) {
    const row = await db
      .selectFrom('sessions')
      .selectAll()
      .where('opened', '>', after)
      .orderBy('opened')
      .limit(1)
      .executeTakeFirst();
    if (!row) return;
    await verifyRow(db, row);
    after = row.opened;
    await nextTurn();
  }
}

async function verifyRow(db: Kysely<Tables>, row: SessionsTable): Promise<void> {
  const records = await recordsOf(db, row.id);
  const last = records.at(-1);
  if (!last) throw new ChainBroken(row.opened, `session ${row.id} has a row but no record`);

  const folded = records.reduce<FoldedRow | null>(foldRecord, null);
  for (const [column, value] of Object.entries(folded ?? {})) {
    if (row[column as keyof FoldedRow] === value) continue;
    throw new ChainBroken(last.sequence, `${column} in the row of session ${row.id} is not what its records say`);
  }

  const references = await db.selectFrom('artifact_refs').select('digest').where('session', '=', row.id).execute();
  const told = new Set(records.flatMap(({ artifacts }) => artifacts));
  const refers = new Set(references.map(({ digest }) => digest));
  const different = [...told, ...refers].find((digest) => !told.has(digest) || !refers.has(digest));
  if (different !== undefined) {
    throw new ChainBroken(last.sequence, `the references of session ${row.id} and its records differ in ${different}`);
  }
}

/** What is on record about one session, in order. */
export async function recordsOf(db: Kysely<Tables>, session: string): Promise<AuditRecord[]> {
  const kept = await db
    .selectFrom('audit_log')
    .select('line')
    .where('session', '=', session)
    .orderBy('number')
    .execute();
  return kept.map(({ line }) => readLine(line));
}
