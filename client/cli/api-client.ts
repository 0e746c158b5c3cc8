/** The CLI's way to the API: HTTP and nothing else. */
import { readFile, stat } from 'node:fs/promises';
import type { Config } from '../../temporal/config.ts';
import type { Problem } from '../schemas/answers.ts';
import { CliError, exitCodes } from './exit.ts';
import type { ExitCode } from './exit.ts';
import { runningStack } from './running-stack.ts';
import { readEvents } from './sse.ts';
import type { ServerEvent } from './sse.ts';

export interface ApiClient {
  get<T>(path: string, signal?: AbortSignal): Promise<T>;
  /** The same for a question that may take long: an API that restarts meanwhile is asked again. */
  ask<T>(path: string, signal: AbortSignal): Promise<T>;
  /** The body of an answer as it is. */
  bytes(path: string): Promise<Buffer>;
  post<T>(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<T>;
  postBytes<T>(path: string, bytes: Uint8Array, mediaType: string): Promise<T>;
  /** Follows a stream to its `end` event, over as many connections as it takes. */
  stream(path: string, signal: AbortSignal): AsyncGenerator<ServerEvent>;
}

/** A cut line is taken up again after this long; then a little longer each time, for about half a minute in all. */
const reconnectMs = [100, 300, 1_000, 3_000, 5_000, 10_000, 10_000];

export function createApiClient(config: Config): ApiClient {
  let access: Promise<{ url: string; token: string }> | null = null;

  async function send(path: string, init: RequestInit): Promise<Response> {
    const { url, token } = await (access ??= findAccess(config));
    let answer: Response;
    try {
      answer = await fetch(`${url}${path}`, {
        ...init,
        headers: { ...init.headers, Authorization: `Bearer ${token}` },
      });
    } catch (cause) {
      if (init.signal?.aborted) throw cause;
      throw new Unreachable(url, cause);
    }
    if (!answer.ok) throw await refusal(answer, url);
    return answer;
  }

  const body = (bytes: Uint8Array | string, mediaType: string, headers = {}): RequestInit => ({
    method: 'POST',
    body: Buffer.from(bytes),
    headers: { 'Content-Type': mediaType, ...headers },
  });

  const get = async <T>(path: string, signal?: AbortSignal) =>
    (await (await send(path, signal === undefined ? {} : { signal })).json()) as T;

  return {
    get,
    async ask<T>(path: string, signal: AbortSignal) {
      for (let failures = 0; ; failures++) {
        try {
          return await get<T>(path, signal);
        } catch (error) {
          const waitMs = reconnectMs[failures];
          if (!(error instanceof Unreachable) || waitMs === undefined || signal.aborted) throw error;
          await pause(waitMs, signal);
        }
      }
    },
    bytes: async (path) => Buffer.from(await (await send(path, {})).arrayBuffer()),
    post: async <T>(path: string, value: unknown, headers = {}) =>
      (await (await send(path, body(JSON.stringify(value), 'application/json', headers))).json()) as T,
    postBytes: async <T>(path: string, bytes: Uint8Array, mediaType: string) =>
      (await (await send(path, body(bytes, mediaType))).json()) as T,

    async *stream(path, signal) {
      let lastId: string | null = null;
      let connected = false;
      for (let failures = 0; !signal.aborted;) {
        try {
          const answer = await send(path, {
            signal,
            ...(lastId === null ? {} : { headers: { 'Last-Event-ID': lastId } }),
          });
          connected = true;
          if (answer.body === null) return;
          for await (const event of readEvents(answer.body)) {
            failures = 0;
            yield event;
            if (event.event === 'end') return;
            lastId = event.id ?? lastId;
          }
        } catch (error) {
          if (signal.aborted) return;
          // A refusal is an answer; a line that was cut, or an API that restarts, is not.
          if (error instanceof CliError && !(error instanceof Unreachable)) throw error;
          if (!connected || failures >= reconnectMs.length) throw error;
        }
        await pause(reconnectMs[failures++] ?? 0, signal);
      }
    },
  };
}

class Unreachable extends CliError {
  constructor(url: string, cause: unknown) {
    super(`The API does not answer at ${url}`, {
      next: 'Start the stack: aas up --detach (aas status shows what runs)',
      cause,
    });
  }
}

/** The address of the running stack, unless AAS_API_URL names one; the token of AAS_TOKEN or of the file. */
async function findAccess(config: Config): Promise<{ url: string; token: string }> {
  const { api, paths } = config;
  const named = api.url !== `http://localhost:${api.port}`;
  const url = named ? api.url : ((await runningStack(config))?.api.url ?? api.url);
  return { url: url.replace(/\/$/, ''), token: api.token ?? (await readToken(paths.token)) };
}

async function readToken(path: string): Promise<string> {
  const next = 'Start the stack once (aas up --detach), which makes one; or set AAS_TOKEN';
  try {
    if (((await stat(path)).mode & 0o077) !== 0) {
      throw new CliError(`The token in ${path} can be read by others`, {
        exitCode: exitCodes.notAuthorised,
        next: `chmod 600 ${path}`,
      });
    }
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError(`There is no token in ${path}`, { exitCode: exitCodes.notAuthorised, next, cause });
  }
}

async function refusal(answer: Response, url: string): Promise<CliError> {
  const text = await answer.text();
  if (answer.headers.get('content-type')?.startsWith('application/problem+json') !== true) {
    return new CliError(`${url} answered ${answer.status}, and not like the API of AAS`, {
      next: 'Check AAS_API_URL and AAS_API_PORT',
    });
  }
  const problem = JSON.parse(text) as Problem;
  const rules = problem.errors.map(({ pointer, message, rule }) => `  ${pointer || '/'}: ${message} [${rule}]`);
  return new CliError([problem.detail, ...rules].join('\n'), {
    exitCode: exitCodeOfProblem(problem),
    next: problem.next,
  });
}

function exitCodeOfProblem({ status, code }: Problem): ExitCode {
  if (status === 401 || status === 403) return exitCodes.notAuthorised;
  if (code.startsWith('input.') || code === 'idempotency.conflict') return exitCodes.usage;
  return status === 422 ? exitCodes.refused : exitCodes.failed;
}

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
