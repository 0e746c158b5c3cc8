import { expect, test } from 'vitest';
import { readEvents } from '../../../client/cli/sse.ts';

async function read(text: string) {
  const events = [];
  // In pieces of one byte: characters and events end anywhere.
  const bytes = [...new TextEncoder().encode(text)].map((byte) => Uint8Array.of(byte));
  for await (const event of readEvents(ReadableStream.from(bytes))) events.push(event);
  return events;
}

test('events come as they were sent, whatever characters are in them', async () => {
  const data = { goal: 'one\u2028two\u2029three\r\nfour ü' };
  const block = `id: 7\nevent: record\ndata: ${JSON.stringify(data)}\n\n`;
  expect(await read(`retry: 1000\n\n${block}: here\n\n${block}`)).toEqual(
    Array.from({ length: 2 }, () => ({ id: '7', event: 'record', data })),
  );
});

test('what was cut off at the end is no event', async () => {
  expect(await read('event: end\ndata: {}\n')).toEqual([]);
});
