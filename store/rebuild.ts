/** Rows and references made again from the log: because they were lost, or because the log came back from its export. */
import type { Transaction } from 'kysely';
import { refer } from './append.ts';
import type { FoldedRow } from './fold.ts';
import { foldRecord, wholeRow } from './fold.ts';
import type { Tables } from './tables.ts';
import { createChain } from './verify-lines.ts';
import { recordsOf, verifyChain } from './verify-store.ts';

/** Resolves with the number of sessions. Rejects `ChainBroken`: of a log that was tampered with, nothing is made. */
export async function rebuildRows(
  trx: Transaction<Tables>,
  lines?: AsyncIterable<string> | Iterable<string>,
): Promise<number> {
  if (lines !== undefined) await takeBack(trx, lines);
  await verifyChain(trx);
  await trx.deleteFrom('artifact_refs').execute();
  await trx.deleteFrom('sessions').execute();
  const sessions = await trx
    .selectFrom('audit_log')
    .select('session')
    .where('number', '=', 1)
    .orderBy('sequence')
    .execute();
  for (const { session } of sessions) {
    const records = await recordsOf(trx, session);
    const folded = records.reduce<FoldedRow | null>(foldRecord, null);
    if (folded === null) continue;
    await trx.insertInto('sessions').values(wholeRow(folded)).execute();
    await refer(
      trx,
      session,
      records.flatMap(({ artifacts }) => artifacts),
    );
  }
  return sessions.length;
}

/** An export becomes the log again. */
async function takeBack(trx: Transaction<Tables>, lines: AsyncIterable<string> | Iterable<string>): Promise<void> {
  const first = await trx.selectFrom('audit_log').select('sequence').limit(1).executeTakeFirst();
  if (first) throw new Error('This store has a log already: lines are taken back only by an empty one');
  const chain = createChain();
  for await (const line of lines) {
    const { record, hash } = chain.next(line);
    const { sequence, id, session, number } = record;
    await trx.insertInto('audit_log').values({ sequence, id, session, number, line, hash }).execute();
  }
}
