/** What a door can be told. One class, a stable code, and what to do next; the doors turn the code into their own form. */

export type OperationCode =
  | 'input.invalid'
  | 'input.too_large'
  | 'session.unknown'
  | 'session.no_patch'
  | 'session.no_history'
  | 'artifact.unknown'
  | 'idempotency.conflict'
  | 'gate.not_open'
  | 'gate.stale'
  | 'gate.not_offered'
  | 'decision.invalid'
  | 'temporal.unavailable'
  | 'temporal.refused'
  | 'store.unavailable';

export interface OperationErrorOptions {
  /** What the person can do about it, as a sentence. */
  readonly next: string;
  /** Places in the input that are wrong, as JSON pointers. */
  readonly issues?: readonly InputIssue[];
  readonly cause?: unknown;
}

export interface InputIssue {
  /** RFC 6901, `` for the whole document. */
  readonly pointer: string;
  /** A stable rule id, such as `input.unknown_field`. */
  readonly rule: string;
  readonly message: string;
}

export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly code: OperationCode;
  readonly next: string;
  readonly issues: readonly InputIssue[];

  constructor(code: OperationCode, message: string, options: OperationErrorOptions) {
    super(message, { cause: options.cause });
    this.code = code;
    this.next = options.next;
    this.issues = options.issues ?? [];
  }
}

export const unknownSession = (id: string) =>
  new OperationError('session.unknown', `There is no session ${id.slice(0, 64)}`, {
    next: 'List the sessions with `aas session list` or GET /api/v1/sessions',
  });
