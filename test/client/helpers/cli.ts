/** The command line: in this process, which is quick, and as a process of its own, which is what people start. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { createApiClient } from '../../../client/cli/api-client.ts';
import { commands } from '../../../client/cli/commands/index.ts';
import type { Context } from '../../../client/cli/context.ts';
import { createOutput } from '../../../client/cli/output.ts';
import { runCommandLine } from '../../../client/cli/run.ts';
import { loadConfig } from '../../../temporal/config.ts';
import type { TestApi } from './api.ts';

const main = fileURLToPath(new URL('../../../client/cli/main.ts', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** All that the command line gets to know of the API. */
export const environmentOf = (api: TestApi): Record<string, string> => ({
  AAS_HOME: api.home,
  AAS_API_URL: api.url,
  AAS_TOKEN: api.token,
});

/** A process with this environment and nothing else besides PATH. */
export async function runProcess(environment: Readonly<Record<string, string>>, args: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { code, stdout, stderr };
}

export interface Person {
  readonly answer: string;
  readonly asked: string[];
}

/** In this process, from a directory, perhaps with a person at a terminal. */
export async function runHere(
  environment: Readonly<Record<string, string>>,
  args: readonly string[],
  { directory = '/', person }: { directory?: string; person?: Person } = {},
): Promise<Ran> {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const [stdout, stderr] = [buffer(out), buffer(err)];
  const config = loadConfig(environment);
  const context = (json: boolean): Context => ({
    config,
    api: createApiClient(config),
    output: createOutput(json, out, err),
    directory,
    signal: new AbortController().signal,
    ask: person === undefined ? null : async (question) => (person.asked.push(question), person.answer),
  });
  const print = (words: string) => void out.write(`${words}\n`);
  const note = (words: string) => void err.write(`${words}\n`);
  const code = await runCommandLine(args, { commands, version: '0.0.0', print, note, context });
  out.end();
  err.end();
  return { code, stdout: (await stdout).toString(), stderr: (await stderr).toString() };
}

/** Against an API, with its token. */
export const aas =
  (api: () => TestApi) =>
  (...args: string[]): Promise<Ran> =>
    runHere(environmentOf(api()), args);
