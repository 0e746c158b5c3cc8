/** The command line: `bin/aas`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { z } from 'zod';
import { loadConfig } from '../../temporal/config.ts';
import { createApiClient } from './api-client.ts';
import { commands } from './commands/index.ts';
import type { Context } from './context.ts';
import { createOutput } from './output.ts';
import { runCommandLine } from './run.ts';

const { stdin, stdout, stderr } = process;
// `aas session events | head` closes our output early, which is no failure.
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const config = loadConfigOrExit();
const interrupted = new AbortController();

function context(json: boolean): Context {
  process.once('SIGINT', () => {
    interrupted.abort();
    // A second Ctrl-C does not wait for anything.
    process.once('SIGINT', () => process.exit(130));
  });
  return {
    config,
    api: createApiClient(config),
    output: createOutput(json, stdout, stderr),
    directory: process.cwd(),
    signal: interrupted.signal,
    ask: stdin.isTTY && stdout.isTTY ? ask : null,
  };
}

async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: stdin, output: stdout });
  // Ctrl-C and Ctrl-D close it, and the question would wait for ever: no answer is one.
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    return await Promise.race([lines.question(question, { signal: interrupted.signal }), closed]);
  } finally {
    lines.close();
  }
}

function loadConfigOrExit() {
  try {
    return loadConfig();
  } catch (error) {
    stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}

process.exitCode = await runCommandLine(process.argv.slice(2), {
  commands,
  version: z.object({ version: z.string() }).parse(JSON.parse(readFileSync(join(config.root, 'package.json'), 'utf8')))
    .version,
  print: (text) => void stdout.write(`${text.trimEnd()}\n`),
  note: (text) => void stderr.write(`${text}\n`),
  context,
});
