/** Events and live output: as history in pages, and as a stream that resumes where it was cut. */
import { z } from 'zod';
import { endedStatuses } from '../../../temporal/contract/messages.ts';
import type { Operations } from '../../operations.ts';
import { OperationError } from '../../operations/errors.ts';
import { formatLogCursor, parseLogCursor } from '../../operations/logs.ts';
import type { LogCursor } from '../../operations/logs.ts';
import { eventPageSchema, logPageSchema } from '../../schemas/answers.ts';
import { openEventStream } from '../event-stream.ts';
import { count, route, sessionParam } from '../route.ts';
import type { Route } from '../route.ts';

const pageSize = 200;
/** Records give notice when they change; this is for a notice that was missed. */
const lookAgainMs = 250;
/** Live output gives none. */
const logPollMs = 150;

/** A cursor names every stream of a session: three rounds, and fifty checks in each. */
const maxCursor = 16_384;
const resumeHeader = z.object({ 'Last-Event-ID': z.string().max(maxCursor).optional() });
const streamAnswer = (what: string) => ({
  200: {
    description: `Server-sent events: ${what}; at last \`end\` when the session has ended.`,
    mediaType: 'text/event-stream',
  },
});

export const streamRoutes = (operations: Operations): Route[] => [
  route({
    id: 'listEvents',
    method: 'get',
    path: '/api/v1/sessions/{id}/events',
    tag: 'sessions',
    summary: 'What happened, as recorded',
    query: z.strictObject({ after: count(0, 1e9).default(0), limit: count(1, pageSize).default(pageSize) }),
    answers: { 200: { description: 'Records with `number > after`, in order.', schema: eventPageSchema } },
    problems: [401, 404, 422],
    async handle(input, res) {
      const { after, limit } = input.query;
      const items = await operations.events(sessionParam(input), after, limit);
      res.json({ items, next: items.length === limit ? (items.at(-1)?.number ?? null) : null });
    },
  }),
  route({
    id: 'streamEvents',
    method: 'get',
    path: '/api/v1/sessions/{id}/events/stream',
    tag: 'sessions',
    summary: 'Follow what happens',
    description:
      'The same records as `/events`, from the first or from after `Last-Event-ID`; `id` is the record’s number, without gaps.',
    headers: resumeHeader,
    answers: streamAnswer('`record` with an Event each'),
    problems: [401, 404, 422],
    async handle(input, res) {
      const id = sessionParam(input);
      let after = lastNumber(input.req.get('Last-Event-ID'));
      await operations.view(id);
      const stream = openEventStream(res, input.signal);
      while (!input.signal.aborted) {
        // The state first: what ended it is then among the records that are read after it.
        const { status, outcome } = await operations.view(id);
        const records = await operations.events(id, after, pageSize);
        for (const record of records) {
          await stream.send({ id: String(record.number), event: 'record', data: record });
          after = record.number;
        }
        if (records.length > 0) continue;
        if (endedStatuses.includes(status)) {
          await stream.send({ event: 'end', data: { status, outcome } });
          break;
        }
        stream.beat();
        await operations.changes.next(lookAgainMs, input.signal);
      }
      res.end();
    },
  }),
  route({
    id: 'listLogs',
    method: 'get',
    path: '/api/v1/sessions/{id}/logs',
    tag: 'sessions',
    summary: 'Output of rounds and checks',
    description: 'A page at a time: ask again with its `cursor` until a page is empty.',
    query: z.strictObject({
      stream: z.string().max(80).optional(),
      cursor: z.string().max(maxCursor).default(''),
    }),
    answers: { 200: { description: 'Numbered pieces, stream by stream.', schema: logPageSchema } },
    problems: [401, 404, 422],
    async handle(input, res) {
      const { stream, cursor } = input.query;
      const page = await operations.readLogs(sessionParam(input), readCursor(cursor), stream ?? null);
      res.json({ items: page.chunks, cursor: formatLogCursor(page.cursor) });
    },
  }),
  route({
    id: 'streamLogs',
    method: 'get',
    path: '/api/v1/sessions/{id}/logs/stream',
    tag: 'sessions',
    summary: 'Follow the output',
    headers: resumeHeader,
    answers: streamAnswer('`chunk` with a LogChunk each'),
    problems: [401, 404, 422],
    async handle(input, res) {
      const id = sessionParam(input);
      let cursor = readCursor(input.req.get('Last-Event-ID') ?? '');
      await operations.view(id);
      const stream = openEventStream(res, input.signal);
      while (!input.signal.aborted) {
        const { status, outcome } = await operations.view(id);
        const page = await operations.readLogs(id, cursor, null);
        for (const chunk of page.chunks) {
          cursor = { ...cursor, [chunk.stream]: chunk.n + 1 };
          await stream.send({ id: formatLogCursor(cursor), event: 'chunk', data: chunk });
        }
        if (page.chunks.length > 0) continue;
        if (endedStatuses.includes(status)) {
          await stream.send({ event: 'end', data: { status, outcome } });
          break;
        }
        stream.beat();
        await pause(logPollMs, input.signal);
      }
      res.end();
    },
  }),
];

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });

function lastNumber(header: string | undefined): number {
  if (header === undefined || header === '') return 0;
  if (/^\d{1,9}$/.test(header)) return Number(header);
  throw badCursor('Last-Event-ID');
}

function readCursor(text: string): LogCursor {
  const cursor = parseLogCursor(text);
  if (cursor === null) throw badCursor('cursor');
  return cursor;
}

const badCursor = (what: string) =>
  new OperationError('input.invalid', `The ${what} is not one that was given out here`, {
    next: 'Leave it out to start from the beginning',
  });
