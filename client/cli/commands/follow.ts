/** `session events` and `session logs`: what was, and with --follow what comes. */
import type { AuditRecord } from '../../../store/port.ts';
import type { LogChunk } from '../../operations/logs.ts';
import type { SessionView } from '../../operations/view.ts';
import { command } from '../command.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit.ts';
import { nextStep } from '../render/session.ts';
import { renderRecord } from '../render/timeline.ts';
import { safe } from '../render/words.ts';
import { pathOf, session } from './session.ts';

const follow = { type: 'boolean', summary: 'Go on until the session has ended' } as const;

const events = command({
  name: 'session events',
  summary: 'What happened, as recorded',
  arguments: [session],
  options: { follow },
  examples: ['aas session events s-01kb9m2x7q4w8zr5 --follow', 'aas session events s-01kb9m2x7q4w8zr5 --json'],
  async run(context, { args: [id], options }) {
    const { api, output, signal } = context;
    let startMs = 0;
    const tell = (record: AuditRecord) => {
      if (record.number === 1) startMs = Date.parse(record.time);
      if (output.json) return output.line(record);
      output.print(renderRecord(record, startMs, output.paint));
      const { gate } = record.change;
      if (record.type === 'gate.opened' && gate)
        output.note(`${' '.repeat(12)}aas session view ${record.session}, then aas ${gate.offers.join(' | ')}`);
    };
    if (options.follow) {
      for await (const { event, data } of api.stream(`${pathOf(id)}/events/stream`, signal)) {
        if (event === 'record') tell(data as AuditRecord);
      }
    } else {
      for (let after: number | null = 0; after !== null;) {
        const page: { items: AuditRecord[]; next: number | null } = await api.get(
          `${pathOf(id)}/events?after=${after}`,
        );
        page.items.forEach(tell);
        after = page.next;
      }
    }
    if (!output.json && !signal.aborted) await hint(context, id);
    return exitCodes.ok;
  },
});

const logs = command({
  name: 'session logs',
  summary: 'Output of rounds and checks',
  arguments: [session],
  options: { follow, stream: { type: 'string', value: 'NAME', summary: 'Only this one: round-1, check-unit, ...' } },
  examples: [
    'aas session logs s-01kb9m2x7q4w8zr5 --follow',
    'aas session logs s-01kb9m2x7q4w8zr5 --stream round-1 > round-1.log',
  ],
  async run({ api, output, signal }, { args: [id], options }) {
    let heading = '';
    const tell = async (chunk: LogChunk) => {
      if (options.stream !== undefined && chunk.stream !== options.stream) return;
      if (output.json) return output.line(chunk);
      if (chunk.stream !== heading && options.stream === undefined)
        output.note(`${heading === '' ? '' : '\n'}== ${safe(chunk.stream)}`);
      heading = chunk.stream;
      // A terminal obeys what it is sent, and this was written by whoever ran in the sandbox.
      await output.raw(output.terminal ? safe(chunk.text) : chunk.text);
    };
    if (options.follow) {
      for await (const { event, data } of api.stream(`${pathOf(id)}/logs/stream`, signal)) {
        if (event === 'chunk') await tell(data as LogChunk);
      }
    } else {
      const only = options.stream === undefined ? '' : `&stream=${encodeURIComponent(options.stream)}`;
      for (let cursor = ''; ;) {
        const path = `${pathOf(id)}/logs?cursor=${encodeURIComponent(cursor)}${only}`;
        const page = await api.get<{ items: LogChunk[]; cursor: string }>(path);
        for (const chunk of page.items) await tell(chunk);
        if (page.items.length === 0 && cursor === '') output.note('No output (yet)');
        if (page.items.length === 0) break;
        cursor = page.cursor;
      }
    }
    return exitCodes.ok;
  },
});

async function hint({ api, output }: Context, id: string | undefined): Promise<void> {
  const next = nextStep(await api.get<SessionView>(pathOf(id)));
  if (next !== null) output.note(`\nNext: ${next}`);
}

export const followCommands: Command[] = [events, logs];
