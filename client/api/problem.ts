/** RFC 9457 problem documents: the one form of every error that leaves the API. */
import { ArtifactMissing } from '../../artifacts/errors.ts';
import { CursorInvalid, StoreUnavailable } from '../../store/errors.ts';
import { maxRequestBytes } from '../../temporal/contract/job.ts';
import { OperationError } from '../operations/errors.ts';
import type { InputIssue, OperationCode } from '../operations/errors.ts';
import type { Problem } from '../schemas/answers.ts';

export type ProblemCode =
  | OperationCode
  | 'input.malformed'
  | 'input.media_type'
  | 'auth.required'
  | 'host.refused'
  | 'route.unknown'
  | 'method.not_allowed'
  | 'rate.limited'
  | 'storage.full'
  | 'internal';

const kinds: Readonly<Record<ProblemCode, { status: number; title: string }>> = {
  'input.invalid': { status: 422, title: 'The request cannot be used' },
  'input.malformed': { status: 400, title: 'The request cannot be read' },
  'input.media_type': { status: 415, title: 'This content type is not taken here' },
  'input.too_large': { status: 413, title: 'The request is too large' },
  'session.unknown': { status: 404, title: 'Unknown session' },
  'session.no_patch': { status: 404, title: 'No patch' },
  'session.no_history': { status: 404, title: 'No history' },
  'artifact.unknown': { status: 404, title: 'Unknown artifact' },
  'idempotency.conflict': { status: 422, title: 'Idempotency key used for another request' },
  'gate.not_open': { status: 409, title: 'No such gate is open' },
  'gate.stale': { status: 409, title: 'Decided on something that has changed' },
  'gate.not_offered': { status: 422, title: 'The gate does not offer this' },
  'decision.invalid': { status: 422, title: 'The decision does not count' },
  'temporal.unavailable': { status: 503, title: 'Temporal does not answer' },
  'temporal.refused': { status: 503, title: 'Temporal refuses' },
  'store.unavailable': { status: 503, title: 'The records cannot be used' },
  'auth.required': { status: 401, title: 'Not authorised' },
  'host.refused': { status: 421, title: 'Not the host you asked for' },
  'route.unknown': { status: 404, title: 'Nothing is here' },
  'method.not_allowed': { status: 405, title: 'Not with this method' },
  'rate.limited': { status: 429, title: 'Too many requests' },
  'storage.full': { status: 507, title: 'The disk is full' },
  internal: { status: 500, title: 'Something went wrong here' },
};

export interface ProblemOptions {
  readonly next: string;
  readonly issues?: readonly InputIssue[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** A refusal that HTTP itself makes; operations throw `OperationError`. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly code: ProblemCode;
  readonly options: ProblemOptions;

  constructor(code: ProblemCode, detail: string, options: ProblemOptions) {
    super(detail, { cause: options.cause });
    this.code = code;
    this.options = options;
  }
}

export interface ProblemAnswer {
  readonly body: Problem;
  readonly headers: Readonly<Record<string, string>>;
}

/** What the caller gets to see of an error: never a stack, and nothing of an error that we do not know. */
export function problemOf(error: unknown, instance: string): ProblemAnswer {
  const { code, message, options } = classify(error);
  const { status, title } = kinds[code];
  const errors = [...(options.issues ?? [])];
  const rules = errors.length > 0 ? [...new Set(errors.map(({ rule }) => rule))] : [code];
  return {
    body: {
      type: `urn:aas:problem:${code}`,
      title,
      status,
      detail: message,
      instance,
      code,
      rules,
      next: options.next,
      errors,
    },
    headers: { ...(status === 503 ? { 'Retry-After': '2' } : {}), ...options.headers },
  };
}

function classify(error: unknown): { code: ProblemCode; message: string; options: ProblemOptions } {
  if (error instanceof HttpProblem) return error;
  if (error instanceof OperationError) {
    return { code: error.code, message: error.message, options: { next: error.next, issues: error.issues } };
  }
  if (error instanceof ArtifactMissing) {
    const next = 'Restore it from a backup of the artifacts, or start the session again';
    return { code: 'artifact.unknown', message: error.message, options: { next } };
  }
  if (error instanceof CursorInvalid) {
    return {
      code: 'input.invalid',
      message: error.message,
      options: { next: 'Leave `cursor` out for the first page' },
    };
  }
  return (
    fromBodyParser(error) ??
    fromFullDisk(error) ??
    fromStore(error) ?? {
      code: 'internal',
      message: 'The request failed for a reason that is not yours',
      options: { next: "The API's log has the reason under this instance; send the request again when it is mended" },
    }
  );
}

/** The body parser says what was wrong in `type` (github.com/expressjs/body-parser#errors). */
function fromBodyParser(error: unknown): HttpProblem | null {
  const type = error instanceof Error && 'type' in error ? error.type : null;
  if (type === 'entity.too.large') {
    const limit = error instanceof Error && 'limit' in error ? Number(error.limit) : maxRequestBytes;
    return new HttpProblem('input.too_large', `A request here is at most ${limit} bytes (${limit / 1024} KiB)`, {
      next: 'Send less: a long text belongs into a file of the repository',
      issues: [{ pointer: '', rule: 'input.too_large', message: `at most ${limit} bytes` }],
    });
  }
  if (type === 'entity.parse.failed') {
    return new HttpProblem('input.malformed', 'The body is not JSON', { next: 'Send one JSON object' });
  }
  if (type === 'encoding.unsupported' || type === 'charset.unsupported') {
    return new HttpProblem('input.media_type', 'The body must be plain UTF-8, not compressed', {
      next: 'Send it as it is',
    });
  }
  if (typeof type === 'string' && /^(request|entity|stream)\./.test(type)) {
    return new HttpProblem('input.malformed', 'The body did not arrive as it was announced', { next: 'Send it again' });
  }
  // Express: a path with a broken percent-encoding.
  return error instanceof URIError
    ? new HttpProblem('input.malformed', 'The path cannot be decoded', { next: 'Check its percent-encoding' })
    : null;
}

/** Its own words name a path of the host, which is for the log. */
const fromStore = (error: unknown): HttpProblem | null =>
  error instanceof StoreUnavailable
    ? new HttpProblem('store.unavailable', 'The records cannot be read or written just now; nothing was half-written', {
        next: 'Send it again in a moment; `aas doctor` shows what is wrong with the store',
      })
    : null;

const fullCodes = new Set<unknown>(['ENOSPC', 'EDQUOT']);
const sqliteFull = 13;

function fromFullDisk(error: unknown): HttpProblem | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const full = ('code' in cause && fullCodes.has(cause.code)) || ('errcode' in cause && cause.errcode === sqliteFull);
    if (!full) continue;
    return new HttpProblem(
      'storage.full',
      'The disk that holds the records is full: nothing of this request was kept',
      {
        next: 'Free some space there (`aas doctor` shows where) and send it again',
      },
    );
  }
  return null;
}
