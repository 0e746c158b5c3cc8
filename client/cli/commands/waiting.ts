import type { WaitAnswer, WaitFor } from '../../operations/wait.ts';
import type { Context } from '../context.ts';
import { exitCodeOf, exitCodes, usageError } from '../exit.ts';
import type { ExitCode } from '../exit.ts';
import { nextStep, renderSession } from '../render/session.ts';

/** One question is held back by the API this long; then it is asked again. */
const askMs = 30_000;

/** Whole or broken seconds as milliseconds; null is for ever. */
export function timeoutOf(seconds: string | undefined): number | null {
  if (seconds === undefined) return null;
  if (/^\d+(\.\d+)?$/.test(seconds)) return Number(seconds) * 1000;
  throw usageError(`--timeout takes seconds, not ${JSON.stringify(seconds)}`);
}

/** Waits, prints the session as it then is, and resolves with the code of what was reached. */
export async function waitAndTell(
  context: Context,
  id: string,
  until: WaitFor,
  timeoutMs: number | null,
): Promise<ExitCode> {
  const { output, signal } = context;
  const path = `/api/v1/sessions/${encodeURIComponent(id)}`;
  // Unknown sessions and an API that is not there are said at once; from here on it may come and go.
  await context.api.get(path, signal);
  const answer = await waitFor(context, path, until, timeoutMs);
  if (answer === null) {
    output.note('Stopped waiting; the session goes on.');
    return exitCodes.timedOut;
  }
  const { result, session } = answer;
  if (output.json) output.document(session);
  else output.print(renderSession(session, output.paint, Date.now()));
  const next = nextStep(session);
  if (next !== null) output.note(`\nNext: ${next}`);
  if (result === 'timeout') {
    output.note(`\nNo ${until === 'gate' ? 'gate' : 'end'} within ${(timeoutMs ?? 0) / 1000} s; the session goes on.`);
    return exitCodes.timedOut;
  }
  return exitCodeOf(session.status);
}

/** Null when whoever waits has lost patience. */
async function waitFor(
  { api, signal }: Context,
  path: string,
  until: WaitFor,
  timeoutMs: number | null,
): Promise<WaitAnswer | null> {
  const giveUpAt = timeoutMs === null ? Infinity : Date.now() + timeoutMs;
  for (;;) {
    const leftMs = Math.max(0, Math.min(askMs, giveUpAt - Date.now()));
    const asking = api.ask<WaitAnswer>(`${path}/wait?for=${until}&timeoutMs=${Math.round(leftMs)}`, signal);
    const answer = await asking.catch((error: unknown) => {
      if (signal.aborted) return null;
      throw error;
    });
    if (answer === null || answer.result !== 'timeout' || Date.now() >= giveUpAt) return answer;
  }
}
