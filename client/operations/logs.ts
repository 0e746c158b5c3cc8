import { StringDecoder } from 'node:string_decoder';
import { unknownSession } from './errors.ts';
import type { OperationPorts } from './ports.ts';

/** One piece of live output. `text` is UTF-8 decoded across pieces; bytes that are no UTF-8 show as U+FFFD. */
export interface LogChunk {
  readonly stream: string;
  /** Place in its stream, without gaps. */
  readonly n: number;
  readonly text: string;
}

/** How far somebody has read: for each stream the next number. */
export type LogCursor = Readonly<Record<string, number>>;

/** One page of output, give or take a piece: a command may print more than fits into memory many times over. */
const pageBytes = 4 * 1024 * 1024;

export function createLogReading({ store, logs }: OperationPorts) {
  /** A page of what is there from `cursor` on, stream by stream, and the cursor after it. Rejects `session.unknown`. */
  return async function readLogs(
    sessionId: string,
    cursor: LogCursor,
    only: string | null,
  ): Promise<{ chunks: LogChunk[]; cursor: LogCursor }> {
    if ((await store.session(sessionId)) === null) throw unknownSession(sessionId);
    const chunks: LogChunk[] = [];
    const next: Record<string, number> = { ...cursor };
    let leftBytes = pageBytes;
    for (const stream of (await logs.streams(sessionId)).sort(inOrder)) {
      if (only !== null && stream !== only) continue;
      if (leftBytes <= 0) break;
      const from = next[stream] ?? 0;
      const decode = new StringDecoder('utf8');
      // The chunk before may end inside a character: its rest begins this one.
      for (const { n, bytes } of await logs.read(sessionId, stream, Math.max(0, from - 1), leftBytes)) {
        const text = decode.write(bytes);
        if (n < from) continue;
        leftBytes -= bytes.length;
        chunks.push({ stream, n, text });
        next[stream] = n + 1;
      }
    }
    return { chunks, cursor: next };
  };
}

/** Rounds as they came, then checks by name. */
function inOrder(a: string, b: string): number {
  const place = (stream: string) => Number(/^round-(\d+)$/.exec(stream)?.[1] ?? Infinity);
  return place(a) === place(b) ? (a < b ? -1 : 1) : place(a) - place(b);
}

/** `round-1:12,check-test:3`: the cursor as an event id, for `Last-Event-ID`. */
export const formatLogCursor = (cursor: LogCursor): string =>
  Object.entries(cursor)
    .map(([stream, n]) => `${stream}:${n}`)
    .join(',');

/** Null when it is not one. */
export function parseLogCursor(text: string): LogCursor | null {
  const cursor: Record<string, number> = {};
  for (const part of text === '' ? [] : text.split(',')) {
    const match = /^([a-z0-9-]{1,80}):(\d{1,9})$/.exec(part);
    if (match?.[1] === undefined) return null;
    cursor[match[1]] = Number(match[2]);
  }
  return cursor;
}
