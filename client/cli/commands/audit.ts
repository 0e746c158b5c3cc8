import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { exportedLines } from '../../../store/export.ts';
import { hashLine } from '../../../store/line.ts';
import type { AuditVerdict } from '../../../store/port.ts';
import { verifyLines } from '../../../store/verify-lines.ts';
import type { RecordReceipt } from '../../../temporal/contract/messages.ts';
import { headSchema, writeHead } from '../../schemas/head.ts';
import { command } from '../command.ts';
import type { Command } from '../command.ts';
import { exitCodes, usageError } from '../exit.ts';

const verify = command({
  name: 'audit verify',
  summary: 'Check that the audit log is what was written',
  description:
    'Without --file the API recomputes its whole log, and every session from it. With --file the lines are checked here, with nothing but the file: they come from `aas audit export`. A log whose end was cut off looks intact to whoever does not remember it: keep the head that is printed here, elsewhere, and give it back with --head.',
  options: {
    file: { type: 'string', value: 'FILE', summary: 'Exported lines' },
    head: {
      type: 'string',
      value: 'SEQUENCE:HASH',
      summary: 'A head that was printed before: the log must still hold it',
    },
  },
  examples: [
    'aas audit verify',
    `aas audit verify --json | jq -r '"\\(.records):\\(.head)"'`,
    'aas audit verify --head 12:sha256:...',
    'aas audit export > audit.jsonl && aas audit verify --file audit.jsonl',
  ],
  async run({ api, output, directory }, { options }) {
    const head = options.head === undefined ? undefined : readHead(options.head);
    const query = head === undefined ? '' : `?head=${encodeURIComponent(writeHead(head))}`;
    const verdict =
      options.file === undefined
        ? await api.get<AuditVerdict>(`/api/v1/audit/verify${query}`)
        : await verifyFile(resolve(directory, options.file), head);
    if (output.json) output.document(verdict);
    else if (verdict.kind === 'intact') output.print(`${output.paint('green', 'intact')}  ${describe(verdict)}`);
    else output.print(`${output.paint('red', 'broken')}  at record ${verdict.sequence}: ${verdict.reason}`);
    return verdict.kind === 'intact' ? exitCodes.ok : exitCodes.failed;
  },
});

const exporting = command({
  name: 'audit export',
  summary: 'The audit log as canonical lines',
  description:
    'Keep them elsewhere, or at least the head that is printed after them: a log whose end was cut off shows only against what somebody else remembers.',
  examples: ['aas audit export > audit.jsonl'],
  async run({ api, output }) {
    let head: RecordReceipt | null = null;
    for (let after: number | null = 0; after !== null;) {
      const page: { items: { sequence: number; line: string }[]; next: number | null } = await api.get(
        `/api/v1/audit/lines?after=${after}`,
      );
      await output.raw(page.items.map(({ line }) => `${line}\n`).join(''));
      const last = page.items.at(-1);
      if (last !== undefined) head = { sequence: last.sequence, hash: hashLine(last.line) };
      after = page.next;
    }
    if (head !== null) output.note(`head ${writeHead(head)}`);
    return exitCodes.ok;
  },
});

function readHead(text: string): RecordReceipt {
  const head = headSchema.safeParse(text);
  if (head.success) return head.data;
  throw usageError(`--head: ${head.error.issues[0]?.message ?? 'not a head'}`);
}

/** An empty log has no head to keep. */
function describe({ records, head }: Extract<AuditVerdict, { kind: 'intact' }>): string {
  return records === 0 ? '0 records' : `${records} records, head ${writeHead({ sequence: records, hash: head })}`;
}

async function verifyFile(path: string, head: RecordReceipt | undefined): Promise<AuditVerdict> {
  const input = createReadStream(path, 'utf8');
  const opened = new Promise<void>((done, fail) => input.once('open', () => done()).once('error', fail));
  await opened.catch((cause: unknown) => {
    throw usageError(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  });
  return verifyLines(exportedLines(input), head === undefined ? {} : { head });
}

export const auditCommands: Command[] = [verify, exporting];
