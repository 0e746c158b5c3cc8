import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { AuditVerdict } from '../../../store/port.ts';
import { verifyLines } from '../../../store/verify-lines.ts';
import { command } from '../command.ts';
import type { Command } from '../command.ts';
import { exitCodes, usageError } from '../exit.ts';

const verify = command({
  name: 'audit verify',
  summary: 'Check that the audit log is what was written',
  description:
    'Without --file the API recomputes its whole log, and every session from it. With --file the lines are checked here, with nothing but the file: they come from `aas audit export`.',
  options: { file: { type: 'string', value: 'FILE', summary: 'Exported lines' } },
  examples: ['aas audit verify', 'aas audit export > audit.jsonl && aas audit verify --file audit.jsonl'],
  async run({ api, output, directory }, { options }) {
    const verdict =
      options.file === undefined
        ? await api.get<AuditVerdict>('/api/v1/audit/verify')
        : await verifyFile(resolve(directory, options.file));
    if (output.json) output.document(verdict);
    else if (verdict.kind === 'intact')
      output.print(`${output.paint('green', 'intact')}  ${verdict.records} records, head ${verdict.head}`);
    else output.print(`${output.paint('red', 'broken')}  at record ${verdict.sequence}: ${verdict.reason}`);
    return verdict.kind === 'intact' ? exitCodes.ok : exitCodes.failed;
  },
});

const exporting = command({
  name: 'audit export',
  summary: 'The audit log as canonical lines',
  description: 'Keep them elsewhere: a log whose end was cut off shows only against a copy.',
  examples: ['aas audit export > audit.jsonl'],
  async run({ api, output }) {
    for (let after: number | null = 0; after !== null;) {
      const page: { items: { line: string }[]; next: number | null } = await api.get(
        `/api/v1/audit/lines?after=${after}`,
      );
      await output.raw(page.items.map(({ line }) => `${line}\n`).join(''));
      after = page.next;
    }
    return exitCodes.ok;
  },
});

async function verifyFile(path: string): Promise<AuditVerdict> {
  const input = createReadStream(path, 'utf8');
  const opened = new Promise<void>((done, fail) => input.once('open', () => done()).once('error', fail));
  await opened.catch((cause: unknown) => {
    throw usageError(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  });
  return verifyLines(createInterface({ input, crlfDelay: Infinity }));
}

export const auditCommands: Command[] = [verify, exporting];
