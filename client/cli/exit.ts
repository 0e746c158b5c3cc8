/** What the shell gets to know. Others script against these numbers. */
import { endedStatuses } from '../../temporal/contract/messages.ts';
import type { Status } from '../../temporal/contract/messages.ts';

export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** By policy or by a person. */
  refused: 3,
  notAuthorised: 4,
  timedOut: 5,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The code of a session's end; one that has not ended is fine so far. */
export function exitCodeOf(status: Status): ExitCode {
  if (!endedStatuses.includes(status) || status === 'finished') return exitCodes.ok;
  return status === 'refused' ? exitCodes.refused : exitCodes.failed;
}

/** An error that was foreseen: its message is all that a person needs, and `next` says how to go on. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  readonly next: string | null;

  constructor(message: string, options: { exitCode?: ExitCode; next?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode ?? exitCodes.failed;
    this.next = options.next ?? null;
  }
}

export const usageError = (message: string, next?: string): CliError =>
  new CliError(message, { exitCode: exitCodes.usage, ...(next === undefined ? {} : { next }) });
