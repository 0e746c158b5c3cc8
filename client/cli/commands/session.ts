import type { CancelAnswer } from '../../operations/cancel.ts';
import type { SessionView } from '../../operations/view.ts';
import { statusSchema } from '../../schemas/session.ts';
import { command } from '../command.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit.ts';
import { patchText } from '../render/patch-text.ts';
import { renderDiff } from '../render/diff.ts';
import { nextStep, renderList, renderSession } from '../render/session.ts';
import { buildJob } from './job.ts';
import { timeoutOf, waitAndTell } from './waiting.ts';

export const session = { name: 'SESSION', required: true } as const;
export const pathOf = (id: string | undefined): string => `/api/v1/sessions/${encodeURIComponent(id ?? '')}`;

const create = command({
  name: 'session create',
  summary: 'Ask for a change to a repository',
  description:
    'Keeps the request and starts the session; answers at once unless told to --wait. A --command or --check is a line for sh in the sandbox; no shell of this machine reads it.',
  options: {
    repo: { type: 'string', value: 'PATH|URL', summary: 'The repository' },
    base: { type: 'string', value: 'REF', summary: 'Branch, tag or commit to start from (HEAD)' },
    goal: { type: 'string', value: 'TEXT', summary: 'What the session is for' },
    agent: { type: 'string', value: 'NAME', summary: 'Who does the work (command)' },
    command: { type: 'string', value: 'LINE', summary: 'What the agent `command` runs in the sandbox' },
    check: {
      type: 'string',
      multiple: true,
      value: '[NAME: ]LINE',
      summary: 'A check that must pass on clean base + change',
    },
    paths: { type: 'string', multiple: true, value: 'GLOB', summary: 'Paths that are expected to change' },
    mode: {
      type: 'string',
      choices: ['patch', 'branch'],
      summary: 'A patch file (default), or a local branch aas/<session>',
    },
    job: { type: 'string', value: 'FILE.yaml', summary: 'All of this from a file; options win over it' },
    policy: { type: 'string', value: 'FILE.yaml', summary: 'A policy layer of this session: it can only take away' },
    'idempotency-key': {
      type: 'string',
      value: 'KEY',
      summary: 'The same key with the same request starts nothing twice',
    },
    wait: { type: 'string', choices: ['gate', 'end'], summary: 'Wait until a person is needed, or until it has ended' },
    timeout: { type: 'string', value: 'SECONDS', summary: 'How long to --wait (for ever)' },
  },
  examples: [
    `aas session create --repo . --goal 'Round to cents' --command './fix.sh' --check 'unit: python3 -m unittest' --wait gate`,
    'aas session create --job job.yaml --json',
  ],
  async run(context, { options }) {
    const timeoutMs = timeoutOf(options.timeout);
    const body = await buildJob(options, context.directory);
    const key = options['idempotency-key'];
    const created = await context.api.post<SessionView & { notice: string | null }>(
      '/api/v1/sessions',
      body,
      key === undefined ? {} : { 'Idempotency-Key': key },
    );
    const { output } = context;
    if (created.notice !== null) output.note(created.notice);
    if (options.wait !== undefined) {
      output.note(`${created.id}  ${created.links.ui}`);
      return waitAndTell(context, created.id, options.wait, timeoutMs);
    }
    if (output.json) output.document(created);
    else output.print(created.id);
    output.note(`\nNext: aas session events ${created.id} --follow`);
    return exitCodes.ok;
  },
});

const list = command({
  name: 'session list',
  summary: 'Sessions, newest first',
  options: {
    status: { type: 'string', choices: statusSchema.options, summary: 'Only those' },
    limit: { type: 'string', value: 'N', summary: 'At most this many (50)' },
    cursor: { type: 'string', value: 'CURSOR', summary: 'Go on after a page (with --json)' },
  },
  examples: ['aas session list --status waiting'],
  async run({ api, output }, { options }) {
    const { status, limit, cursor } = options;
    const query = new URLSearchParams(
      Object.entries({ status, limit, cursor }).flatMap(([name, value]): [string, string][] =>
        value === undefined ? [] : [[name, value]],
      ),
    );
    const page = await api.get<{ items: SessionView[]; cursor: string | null }>(`/api/v1/sessions?${query.toString()}`);
    if (output.json) output.document(page);
    else if (page.items.length > 0) output.print(renderList(page.items, output.paint, Date.now()));
    else
      output.note(
        `No sessions${status === undefined ? ' yet. Start one: aas session create --help' : ` are ${status}`}`,
      );
    if (page.cursor !== null && !output.json) output.note(`\nThere are more: --limit, or --cursor ${page.cursor}`);
    return exitCodes.ok;
  },
});

const view = command({
  name: 'session view',
  summary: 'How a session stands',
  arguments: [session],
  examples: [
    'aas session view s-01kb9m2x7q4w8zr5',
    "aas session view s-01kb9m2x7q4w8zr5 --json | jq -r '.gate.subject'",
  ],
  async run({ api, output }, { args: [id] }) {
    const state = await api.get<SessionView>(pathOf(id));
    if (output.json) output.document(state);
    else {
      output.print(renderSession(state, output.paint, Date.now()));
      const next = nextStep(state);
      if (next !== null) output.note(`\nNext: ${next}`);
    }
    return exitCodes.ok;
  },
});

const patch = command({
  name: 'session patch',
  summary: 'The promoted patch, else the current candidate',
  description: 'The exact bytes, which `git am` takes. With --diff, the change as text to read.',
  arguments: [session],
  options: { diff: { type: 'boolean', summary: 'For reading, not for git am' } },
  examples: ['aas session patch s-01kb9m2x7q4w8zr5 | git am', 'aas session patch s-01kb9m2x7q4w8zr5 --diff'],
  async run({ api, output }, { args: [id], options }) {
    const bytes = await api.bytes(`${pathOf(id)}/patch`);
    if (output.json) output.document({ session: id, patch: bytes.toString('base64'), text: patchText(bytes) });
    else if (options.diff) output.print(renderDiff(patchText(bytes), output.paint));
    else await output.raw(bytes);
    return exitCodes.ok;
  },
});

const cancel = command({
  name: 'session cancel',
  summary: 'Stop a session, in whatever state it is',
  arguments: [session],
  options: { reason: { type: 'string', value: 'TEXT', summary: 'Kept in the record' } },
  examples: [`aas session cancel s-01kb9m2x7q4w8zr5 --reason 'wrong branch'`],
  async run({ api, output }, { args: [id], options }) {
    const answer = await api.post<CancelAnswer>(`${pathOf(id)}/cancel`, { reason: options.reason ?? null });
    const { result, session: state } = answer;
    const words = {
      cancelled: 'cancelled',
      already_ended: `had ended already: ${state.outcome ?? state.status}`,
      stopping: 'is stopping; `aas session wait` tells when it has',
    };
    if (output.json) output.document(answer);
    else output.print(`${state.id}  ${words[result]}`);
    return exitCodes.ok;
  },
});

const wait = command({
  name: 'session wait',
  summary: 'Wait for a gate or the end',
  description:
    'Exits with the code of the end it finds: 0 finished, 1 failed or cancelled, 3 refused; 5 when neither came in time.',
  arguments: [session],
  options: {
    for: { type: 'string', choices: ['gate', 'end'], required: true, summary: 'A person is needed, or it has ended' },
    timeout: { type: 'string', value: 'SECONDS', summary: 'At most this long (for ever)' },
  },
  examples: ['aas session wait s-01kb9m2x7q4w8zr5 --for end --timeout 600'],
  run: (context, { args: [id = ''], options }) => waitAndTell(context, id, options.for, timeoutOf(options.timeout)),
});

export const sessionCommands: Command[] = [create, list, view, patch, cancel, wait];
