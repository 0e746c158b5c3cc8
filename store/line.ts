/** One line of the audit log: how a record is written, read and hashed. */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import type { Digest } from '../temporal/contract/messages.ts';
import { digestSchema } from '../temporal/contract/primitives.ts';
import type { AuditRecord } from './port.ts';

/** What the first line names as the one before it. */
export const genesis: Digest = `sha256:${'0'.repeat(64)}`;

/** The digest of a line, without its newline: what the next line's `prevhash` says. */
export const hashLine = (line: string): Digest => `sha256:${createHash('sha256').update(line).digest('hex')}`;

/** RFC 8785 text of a record. Throws on what JSON cannot say. */
export function writeLine(record: AuditRecord): string {
  const line = canonicalize(record);
  if (line === undefined) throw new TypeError('Only JSON values have a canonical form');
  return line;
}

const recordSchema = z.strictObject({
  sequence: z.int().min(1),
  prevhash: digestSchema,
  id: z.string(),
  session: z.string(),
  number: z.int().min(1),
  time: z.string(),
  type: z.string(),
  actor: z.string(),
  change: z.record(z.string(), z.unknown()),
  data: z.record(z.string(), z.unknown()),
  artifacts: z.array(digestSchema),
});

/** Reads a line that may have been tampered with. Throws an `Error` that says what is wrong with it. */
export function readLine(line: string): AuditRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new Error('it is not JSON', { cause: error });
  }
  const parsed = recordSchema.safeParse(value);
  if (!parsed.success) throw new Error(`it is no audit record: ${z.prettifyError(parsed.error)}`);
  const record: AuditRecord = parsed.data;
  if (writeLine(record) !== line) throw new Error('it is not in canonical form (RFC 8785)');
  return record;
}
