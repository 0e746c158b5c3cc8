/** Sessions as a client of the API sees them. It is told of gates and ends; it polls nothing. */
import type { JobRequest } from '../../../temporal/contract/job.ts';
import type { SessionState } from '../../../temporal/contract/messages.ts';

export interface Api {
  readonly url: string;
  readonly token: string;
}

export type Job = Pick<JobRequest, 'repository' | 'base' | 'goal'> & { agent: { name: 'command'; argv: string[] } };

export interface Timed {
  readonly id: string;
  readonly ms: number;
}

/** From the request to `promoted`, with a person who approves at once. */
export async function promoteSession(api: Api, job: Job): Promise<Timed> {
  const began = performance.now();
  const { id } = await requestSession(api, job);
  const session = await atGate(api, id);
  await Promise.all([approve(api, session), promoted(api, id)]);
  return { id, ms: performance.now() - began };
}

/** From the request to the approval gate. */
export async function openGate(api: Api, job: Job): Promise<Timed> {
  const began = performance.now();
  const { id } = await requestSession(api, job);
  await atGate(api, id);
  return { id, ms: performance.now() - began };
}

export const requestSession = (api: Api, job: Job): Promise<SessionState> => call(api, 'POST', 'sessions', job);

/** The session at its approval gate. Rejects when it came to anything else. */
export async function atGate(api: Api, id: string): Promise<SessionState> {
  const session = await waitFor(api, id, 'gate');
  if (session.gate?.kind !== 'approval') throw await unexpected(api, session);
  return session;
}

export async function approve(api: Api, { id, gate }: SessionState): Promise<void> {
  await call(api, 'POST', `sessions/${id}/decisions`, { kind: 'approve', gate: gate?.id, subject: gate?.subject });
}

/** The session at its end. Rejects unless it was promoted. */
export async function promoted(api: Api, id: string): Promise<SessionState> {
  const session = await waitFor(api, id, 'end');
  if (session.outcome !== 'promoted') throw await unexpected(api, session);
  return session;
}

async function waitFor(api: Api, id: string, until: 'gate' | 'end'): Promise<SessionState> {
  for (;;) {
    const path = `sessions/${id}/wait?for=${until}&timeoutMs=60000`;
    const { result, session } = await call<{ result: string; session: SessionState }>(api, 'GET', path);
    if (result !== 'timeout') return session;
  }
}

/** Resolves when the round's command has printed something. */
export async function firstOutput(api: Api, id: string): Promise<void> {
  const { body } = await request(api, 'GET', `sessions/${id}/logs/stream`);
  let seen = '';
  for await (const piece of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    seen += piece;
    if (seen.includes('event: chunk')) return;
  }
  throw new Error(`Session ${id} ended before it printed anything`);
}

/** What the first round's command printed. */
export async function outputOf(api: Api, id: string): Promise<string> {
  const { items } = await call<{ items: { text: string }[] }>(api, 'GET', `sessions/${id}/logs?stream=round-1`);
  return items.map(({ text }) => text).join('');
}

async function unexpected(api: Api, { id, status, reason, gate, round }: SessionState): Promise<Error> {
  const log = round?.output ? await (await request(api, 'GET', `artifacts/${round.output.digest}`)).text() : '';
  return new Error(`Session ${id} is ${status} (${gate?.reason ?? reason ?? 'no reason given'}). ${log}`);
}

async function call<Answer>(api: Api, method: string, path: string, body?: object): Promise<Answer> {
  return (await (await request(api, method, path, body)).json()) as Answer;
}

async function request(api: Api, method: string, path: string, body?: object): Promise<Response> {
  const headers = { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' };
  const response = await fetch(`${api.url}/api/v1/${path}`, { method, headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
  return response;
}
