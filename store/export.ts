/** The log's export: a file of its canonical lines, which `verifyLines` checks and `rebuild` takes back. */
import type { Store } from './port.ts';

const page = 500;

/** Every line of the log from the first one, each with its newline, for `stream.pipeline` or `writeFile`. */
export async function* exportLog(store: Store): AsyncGenerator<string> {
  for (let after = 0; ;) {
    const lines = await store.lines(after, page);
    for (const { line } of lines) yield `${line}\n`;
    const last = lines.at(-1);
    if (!last) return;
    after = last.sequence;
  }
}

/**
 * The lines of an export that comes in pieces, without their newlines. `node:readline` would end a line at U+2028 and
 * U+2029 too, which JSON leaves in its strings as they are.
 */
export async function* exportedLines(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}
