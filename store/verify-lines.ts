/** The offline verifier: needs nothing but the lines. `Store.verify` uses the same chain. */
import type { Digest, RecordReceipt } from '../temporal/contract/messages.ts';
import { genesis, hashLine, readLine } from './line.ts';
import type { AuditRecord, AuditVerdict } from './port.ts';

/** Where a log stops being what was written. */
export class ChainBroken extends Error {
  override readonly name = 'ChainBroken';
  readonly sequence: number;
  constructor(sequence: number, reason: string) {
    super(reason);
    this.sequence = sequence;
  }
}

/**
 * Follows the chain line by line from the first one. `next` throws `ChainBroken` at the first line that was altered,
 * dropped, inserted or moved. Remembers one number a session and nothing else, so a log of any length fits.
 */
export function createChain(head?: RecordReceipt) {
  const numbers = new Map<string, number>();
  let sequence = 0;
  let hash: Digest = genesis;

  function next(line: string): { readonly record: AuditRecord; readonly hash: Digest } {
    const record = reading(line, sequence + 1);
    const number = (numbers.get(record.session) ?? 0) + 1;
    sequence += 1;
    if (record.sequence !== sequence) {
      throw new ChainBroken(sequence, `record ${sequence} is missing: record ${record.sequence} is in its place`);
    }
    if (record.prevhash !== hash) {
      throw new ChainBroken(
        sequence,
        `record ${sequence} does not follow from the one before it: one of the two was altered`,
      );
    }
    if (record.number !== number) {
      throw new ChainBroken(
        sequence,
        `event ${number} of session ${record.session} is missing: ${record.number} comes instead`,
      );
    }
    numbers.set(record.session, number);
    hash = hashLine(line);
    if (head?.sequence === sequence && head.hash !== hash) {
      throw new ChainBroken(sequence, `record ${sequence} is not the one of the known head ${head.hash}`);
    }
    return { record, hash };
  }

  /** The verdict when no line is left. A cut tail shows only against a head that somebody else remembers. */
  function end(): AuditVerdict {
    if (head && head.sequence > sequence) {
      const reason = `the log ends at record ${sequence}, before the known head ${head.sequence}: its tail was cut off`;
      return { kind: 'broken', sequence: sequence + 1, reason };
    }
    return { kind: 'intact', records: sequence, head: hash };
  }

  return { next, end };
}

/**
 * Verifies an exported log, line by line (without newlines, as `exportedLines` gives them), and names the first bad
 * place. `head` is a receipt that somebody kept elsewhere; without one, a log whose last records were cut off looks
 * intact.
 */
export async function verifyLines(
  lines: Iterable<string> | AsyncIterable<string>,
  options: { readonly head?: RecordReceipt } = {},
): Promise<AuditVerdict> {
  const chain = createChain(options.head);
  try {
    for await (const line of lines) chain.next(line);
    return chain.end();
  } catch (error) {
    return brokenVerdict(error);
  }
}

/** The verdict of a `ChainBroken`; every other error goes on. */
export function brokenVerdict(error: unknown): AuditVerdict {
  if (!(error instanceof ChainBroken)) throw error;
  return { kind: 'broken', sequence: error.sequence, reason: error.message };
}

function reading(line: string, sequence: number): AuditRecord {
  try {
    return readLine(line);
  } catch (error) {
    throw new ChainBroken(
      sequence,
      `record ${sequence} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
