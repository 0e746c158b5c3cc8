/** A repository behind a URL: git's own transports, limited to the ones a location may name. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Oid } from '../../../temporal/contract/messages.ts';
import { failures } from '../../../temporal/contract/messages.ts';
import { refusal } from '../../failures.ts';
import { git } from './git.ts';
import { GitError } from './git-error.ts';
import { looksLikeCommit, refCandidates, unknownRef } from './refs.ts';

export interface RemoteTip {
  readonly ref: string | null;
  readonly commit: Oid;
}

const listTimeoutMs = 30_000;
const fetchTimeoutMs = 10 * 60_000;
const maxListBytes = 64 * 1024 * 1024;

const environmentFor = (url: string) => ({
  GIT_ALLOW_PROTOCOL: new URL(url).protocol.slice(0, -1),
  // Never waits for a password or a yes; keys are the worker's own.
  GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
});
// A redirect would give one repository two keys, and lets a server name hosts that only we can reach.
const config = ['http.followRedirects=false', 'transfer.credentialsInUrl=die'];

/** Asks the server for its refs. Rejects `Source.Unusable` when it has no such ref, a plain `Error` when it does not answer. */
export async function resolveRemoteRef(url: string, ref: string): Promise<RemoteTip> {
  const refs = await listRefs(url);
  if (refs.size === 0) throw refusal(failures.sourceUnusable, `${url} is empty: it has no commit yet`);
  const head = refs.get('HEAD');
  const names = ref !== 'HEAD' ? refCandidates(ref) : head?.startsWith('refs/') ? [head] : [];
  for (const name of names) {
    // `<tag>^{}` is the commit of an annotated tag.
    const commit = refs.get(`${name}^{}`) ?? refs.get(name);
    if (commit !== undefined) return { ref: name, commit };
  }
  if (ref === 'HEAD' && head !== undefined) return { ref: null, commit: head };
  // A server takes whole ids only.
  if (looksLikeCommit(ref) && ref.length === 40) return { ref: null, commit: ref };
  throw unknownRef(
    ref,
    url,
    [...refs.keys()].filter((name) => !name.endsWith('^{}')),
  );
}

/** The commit a full ref name is at, or null. */
export async function readRemoteHead(url: string, ref: string): Promise<Oid | null> {
  const refs = await listRefs(url);
  return refs.get(`${ref}^{}`) ?? refs.get(ref) ?? null;
}

/** Fetches one commit, without its history, into a new bare repository at `gitDir`. */
export async function fetchCommit(url: string, commit: Oid, gitDir: string): Promise<void> {
  await createBare(gitDir);
  const how = ['--depth=1', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', '--no-auto-maintenance'];
  const call = { gitDir, config, environment: environmentFor(url), timeoutMs: fetchTimeoutMs };
  await git(['fetch', '-q', ...how, '--', url, `${commit}:refs/aas/base`], call).catch(explain(url));
}

async function listRefs(url: string): Promise<Map<string, string>> {
  const call = {
    gitDir: '/nonexistent',
    config,
    environment: environmentFor(url),
    timeoutMs: listTimeoutMs,
    maxOutputBytes: maxListBytes,
  };
  const output = await git(['ls-remote', '--symref', '--', url], call).catch(explain(url));
  const refs = new Map<string, string>();
  for (const line of output.toString().split('\n')) {
    const [value = '', name = ''] = line.split('\t');
    // `ref: refs/heads/main\tHEAD` comes before `<id>\tHEAD` and says more.
    if (name !== '' && !refs.has(name)) refs.set(name, value.replace(/^ref: /, ''));
  }
  return refs;
}

async function createBare(gitDir: string): Promise<void> {
  await mkdir(join(gitDir, 'objects', 'pack'), { recursive: true });
  await mkdir(join(gitDir, 'refs'));
  await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n');
  await writeFile(join(gitDir, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = true\n');
}

const final =
  /not found|does not (?:exist|appear)|not our ref|denied|authentication failed|could not read Username|returned error: (?!408|429)[34]/i;

/** A server that says no is final; one that cannot be reached is worth another try. */
const explain =
  (url: string) =>
  (error: unknown): never => {
    if (!(error instanceof GitError)) throw error;
    if (error.reason === 'exit' && final.test(error.stderr)) {
      throw refusal(failures.sourceUnusable, `${url} cannot be used: ${error.stderr}`, error);
    }
    throw new Error(`${url} cannot be reached now: ${error.stderr || error.message}`, { cause: error });
  };
