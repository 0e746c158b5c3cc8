/** The log's export: a file of its canonical lines, which `verifyLines` checks without a store. */
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
