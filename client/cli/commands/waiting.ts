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
  const { result, session } = await waitFor(context, id, until, timeoutMs);
  const { output } = context;
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

async function waitFor(
  { api, signal }: Context,
  id: string,
  until: WaitFor,
  timeoutMs: number | null,
): Promise<WaitAnswer> {
  const giveUpAt = timeoutMs === null ? Infinity : Date.now() + timeoutMs;
  for (;;) {
    const leftMs = Math.max(0, Math.min(askMs, giveUpAt - Date.now()));
    const answer = await api.get<WaitAnswer>(
      `/api/v1/sessions/${encodeURIComponent(id)}/wait?for=${until}&timeoutMs=${Math.round(leftMs)}`,
    );
    if (answer.result !== 'timeout' || Date.now() >= giveUpAt || signal.aborted) return answer;
  }
}
