/** From the options of `session create` to the body of a request. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseYaml } from '../../../policies/yaml.ts';
import type { JobRequest } from '../../../temporal/contract/job.ts';
import { usageError } from '../exit.ts';

export interface JobOptions {
  readonly repo: string | undefined;
  readonly base: string | undefined;
  readonly goal: string | undefined;
  readonly agent: string | undefined;
  readonly command: string | undefined;
  readonly check: readonly string[];
  readonly paths: readonly string[];
  readonly mode: string | undefined;
  readonly job: string | undefined;
  readonly policy: string | undefined;
}

/** What is sent; the API judges it. Anything a job file may hold passes through, so that a wrong key is named there. */
export type JobBody = Record<string, unknown>;

/** Options win over the job file. Paths are relative to `directory`, those in a file to the file. */
export async function buildJob(options: JobOptions, directory: string): Promise<JobBody> {
  const file = options.job === undefined ? {} : await readYaml(resolve(directory, options.job), 'job');
  const repository =
    options.repo !== undefined ? locate(options.repo, directory) : locateIn(file, options.job, directory);
  const body: JobBody = {
    ...file,
    ...(repository === undefined ? {} : { repository }),
    ...(options.base === undefined ? {} : { base: options.base }),
    ...(options.goal === undefined ? {} : { goal: options.goal }),
    ...agentOf(options, file),
    ...(options.check.length === 0 ? {} : { checks: options.check.map(checkOf) }),
    ...(options.paths.length === 0 ? {} : { paths: options.paths }),
    ...(options.mode === undefined ? {} : { promotion: { mode: options.mode } }),
    ...(options.policy === undefined ? {} : { policy: await readYaml(resolve(directory, options.policy), 'policy') }),
  };
  for (const [field, option] of [
    ['repository', '--repo'],
    ['goal', '--goal'],
    ['agent', '--command'],
  ] as const) {
    if (!(field in body))
      throw usageError(`A session needs ${option}, or a --job file that says it`, 'aas session create --help');
  }
  return body;
}

/** A path becomes absolute, since the API has another working directory; a URL stays as it is. */
const locate = (repository: string, directory: string): string =>
  /^[a-z][a-z0-9+.-]*:/i.test(repository) || /^[^/]+@[^/]+:/.test(repository)
    ? repository
    : resolve(directory, repository);

function locateIn(file: JobBody, path: string | undefined, directory: string): string | undefined {
  const { repository } = file;
  return typeof repository === 'string' && path !== undefined
    ? locate(repository, dirname(resolve(directory, path)))
    : undefined;
}

function agentOf({ agent, command }: JobOptions, file: JobBody): { agent?: unknown } {
  if (agent === undefined && command === undefined) return {};
  const given = typeof file['agent'] === 'object' ? file['agent'] : {};
  return {
    agent: {
      ...given,
      ...(agent === undefined ? {} : { name: agent }),
      // The line is the sandbox's to read: no shell of this machine ever sees it.
      ...(command === undefined ? {} : { argv: ['sh', '-c', command] }),
    },
  };
}

/** `npm test`, or `unit: npm test` to give it a name. */
function checkOf(text: string, place: number): JobRequest['checks'][number] | { id: string; argv: string[] } {
  const named = /^([a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?):\s+(\S[\s\S]*)$/.exec(text);
  return { id: named?.[1] ?? `check-${place + 1}`, argv: ['sh', '-c', named?.[2] ?? text] };
}

async function readYaml(path: string, what: string): Promise<JobBody> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw usageError(
      `The ${what} file ${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  });
  try {
    const value = parseYaml(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JobBody;
  } catch (error) {
    throw usageError(`The ${what} file ${path} is not YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw usageError(`The ${what} file ${path} must hold fields, such as \`goal: ...\``);
}
