/** Standard output belongs to the answer, standard error to everything that is said about it. */
import { styleText } from 'node:util';
import type { Writable } from 'node:stream';

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

export interface Output {
  /** Whether the caller wants JSON. */
  readonly json: boolean;
  /** Whether a person reads standard output. */
  readonly terminal: boolean;
  /** The answer as JSON: one document. Lines of a stream are documents of a line each. */
  document(value: unknown): void;
  line(value: unknown): void;
  /** The answer for a person. */
  print(text: string): void;
  /** The answer as it is: a patch, a log. */
  raw(bytes: Uint8Array | string): Promise<void>;
  /** Diagnostics and hints. */
  note(text: string): void;
  /** Coloured where standard output is a terminal that wants colours (`NO_COLOR` is respected). */
  paint(style: Style, text: string): string;
}

/** A stream that may be a terminal, as `process.stdout` is. */
export type Sink = Writable & { readonly isTTY?: boolean; hasColors?(): boolean };

export function createOutput(json: boolean, out: Sink, err: Sink): Output {
  const write = (text: string) => void out.write(text);
  return {
    json,
    terminal: out.isTTY === true,
    document: (value) => write(`${JSON.stringify(value, null, 2)}\n`),
    line: (value) => write(`${JSON.stringify(value)}\n`),
    print: (text) => write(`${text}\n`),
    raw: (bytes) => new Promise((resolve, reject) => out.write(bytes, (error) => (error ? reject(error) : resolve()))),
    note: (text) => void err.write(`${text}\n`),
    paint: (style, text) => (wantsColour(out) ? styleText(style, text, { validateStream: false }) : text),
  };
}

const wantsColour = (stream: Sink): boolean => stream.isTTY === true && stream.hasColors?.() === true;
