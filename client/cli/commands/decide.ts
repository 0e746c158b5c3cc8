/** People: `approve`, `reject`, `retry`, `amend`. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageNames, workflowIds } from '../../../temporal/contract/messages.ts';
import type { ArtifactRef, DecisionAnswer, DecisionKind, SignedDecision } from '../../../temporal/contract/messages.ts';
import type { SessionView } from '../../operations/view.ts';
import { command } from '../command.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { CliError, exitCodes, usageError } from '../exit.ts';
import type { ExitCode } from '../exit.ts';
import { patchText } from '../render/patch-text.ts';
import { renderDiff } from '../render/diff.ts';
import { renderSession } from '../render/session.ts';
import { pathOf, session } from './session.ts';

const print = {
  type: 'boolean',
  summary: 'Print the signed decision instead of sending it: the argument of the Signal `decideSignal`',
} as const;
const examplesId = 's-01kb9m2x7q4w8zr5';

const approve = command({
  name: 'approve',
  summary: 'Approve what waits at the open gate',
  description:
    'On a terminal it shows the change and its checks first, and asks. An approval counts for exactly the subject that was shown: when anything changes meanwhile, it is refused as stale.',
  arguments: [session],
  options: { subject: { type: 'string', value: 'DIGEST', summary: 'Only if this is what waits' }, print },
  examples: [
    `aas approve ${examplesId}`,
    `aas approve ${examplesId} --subject sha256:...`,
    `aas approve ${examplesId} --print`,
  ],
  async run(context, { args: [id = ''], options }) {
    const state = await context.api.get<SessionView>(pathOf(id));
    const gate = openGate(state);
    if (options.subject === undefined && context.ask !== null && !context.output.json && !options.print) {
      await show(context, state);
      const answer = await context.ask(`Approve ${gate.id} of ${id}? [y/N] `);
      if (!/^y(es)?$/i.test(answer.trim()))
        throw new CliError('Nothing was decided', { next: `aas reject ${id} --reason '...' says no for good` });
    }
    const subject = options.subject ?? gate.subject;
    return send(context, state, { kind: 'approve', subject }, options.print);
  },
});

const reject = command({
  name: 'reject',
  summary: 'Refuse what waits, and end the session',
  arguments: [session],
  options: { reason: { type: 'string', value: 'TEXT', required: true, summary: 'Why; kept in the record' }, print },
  examples: [`aas reject ${examplesId} --reason 'changes the public API'`],
  async run(context, { args: [id], options }) {
    const state = await context.api.get<SessionView>(pathOf(id));
    return send(context, state, { kind: 'reject', reason: options.reason }, options.print);
  },
});

const retry = command({
  name: 'retry',
  summary: 'Have it tried again, with a note for the next round',
  arguments: [session],
  options: {
    note: { type: 'string', value: 'TEXT', required: true, summary: 'What the next round should know' },
    fresh: { type: 'boolean', summary: "From the base, not from the last round's tree" },
    agent: { type: 'string', value: 'NAME', summary: 'With another hand' },
    print,
  },
  examples: [`aas retry ${examplesId} --note 'keep the old signature' --fresh`],
  async run(context, { args: [id], options }) {
    const state = await context.api.get<SessionView>(pathOf(id));
    const { note, fresh, agent } = options;
    return send(context, state, { kind: 'retry', note, fresh, agent: agent ?? null }, options.print);
  },
});

const amend = command({
  name: 'amend',
  summary: 'Put your own patch in place of the change',
  description: 'It is inspected and validated like any other change.',
  arguments: [session],
  options: {
    patch: { type: 'string', value: 'FILE', required: true, summary: 'A plain diff against the base' },
    note: { type: 'string', value: 'TEXT', required: true, summary: 'Why; kept in the record' },
    print,
  },
  examples: ['git diff --binary > mine.patch', `aas amend ${examplesId} --patch mine.patch --note 'simpler'`],
  async run(context, { args: [id], options }) {
    const path = resolve(context.directory, options.patch);
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw usageError(`The patch ${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
    });
    const state = await context.api.get<SessionView>(pathOf(id));
    openGate(state);
    const patch = await context.api.postBytes<ArtifactRef>(`${pathOf(id)}/patches`, bytes, 'text/x-patch');
    return send(context, state, { kind: 'amend', note: options.note, patch }, options.print);
  },
});

type Choice = { readonly kind: DecisionKind } & Readonly<Record<string, unknown>>;

async function send({ api, output }: Context, state: SessionView, choice: Choice, printed: boolean): Promise<ExitCode> {
  const body = { gate: openGate(state).id, ...choice };
  if (printed) {
    const signed = await api.post<SignedDecision>(`${pathOf(state.id)}/decisions/sign`, body);
    output.document(signed);
    output.note(
      `\nIn the Temporal Web UI (${state.links.ui}): Send a Signal, name ${messageNames.decideSignal}, this as its input. Or:\n` +
        `  temporal workflow signal --workflow-id ${workflowIds.session(state.id)} --name ${messageNames.decideSignal} --input-file FILE\n` +
        `It counts until ${signed.decision.expiresAt}.`,
    );
    return exitCodes.ok;
  }
  const answer = await api.post<DecisionAnswer>(`${pathOf(state.id)}/decisions`, body);
  if (output.json) output.document({ session: state.id, ...answer });
  else output.print(`${state.id}  ${answer.gate}: ${answer.kind} counts`);
  output.note(`\nNext: aas session wait ${state.id} --for end`);
  return exitCodes.ok;
}

function openGate({ id, gate, status, outcome }: SessionView) {
  if (gate !== null) return gate;
  throw new CliError(`Session ${id} waits for nobody now (${outcome ?? status})`, { next: `aas session view ${id}` });
}

/** What is about to be approved, in full: a person who cannot see it cannot approve it. */
async function show({ api, output }: Context, state: SessionView): Promise<void> {
  if (state.candidate !== null) {
    output.print(renderDiff(patchText(await api.bytes(`${pathOf(state.id)}/patch`)), output.paint));
    output.print('');
  }
  output.print(renderSession(state, output.paint, Date.now()));
  output.print('');
}

export const decideCommands: Command[] = [approve, reject, retry, amend];
