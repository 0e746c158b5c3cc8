/**
 * The one way AAS runs git: an environment and flags of our own, a process group that is killed whole, caps on time and
 * output. It makes git safe to run on repositories that we built, and only on those; see port.ts.
 */
import { spawn } from 'node:child_process';
import { GitError, reasonOfExit } from './git-error.ts';

export interface GitCall {
  readonly gitDir: string;
  readonly workTree?: string;
  readonly indexFile?: string;
  /** Where new objects go; the repository's own directory when left out. */
  readonly writeTo?: string;
  /** Further object directories to read from. */
  readonly readFrom?: readonly string[];
  /** Settings besides ours, as `name=value`. */
  readonly config?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Bytes, or an open file descriptor which git reads from its present position. */
  readonly input?: Uint8Array | number;
  /** Takes the output as it comes; the result is then empty. */
  readonly onOutput?: (chunk: Buffer) => void;
  readonly maxOutputBytes?: number;
  readonly timeoutMs?: number;
  /** Exit codes that are answers, not failures. */
  readonly exitCodes?: readonly number[];
  /** The user to run as; needs root. */
  readonly as?: { readonly uid: number; readonly gid: number };
}

const defaultTimeoutMs = 60_000;
const defaultMaxOutputBytes = 256 * 1024 * 1024;
const maxStderrBytes = 64 * 1024;

const cleanEnvironment = {
  PATH: '/usr/bin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_NO_LAZY_FETCH: '1',
  // Empty allows none. It is the only switch that a repository's own protocol.<name>.allow cannot turn on again.
  GIT_ALLOW_PROTOCOL: '',
  GIT_TERMINAL_PROMPT: '0',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_PAGER: 'cat',
};

const safeConfig = [
  'core.bare=true',
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.attributesFile=/dev/null',
  'protocol.allow=never',
  'core.protectHFS=true',
  'core.protectNTFS=true',
  'gc.auto=0',
  'submodule.recurse=false',
];

/**
 * Runs git and resolves with its stdout. Rejects `GitError` when git exits with another code than 0 (or `exitCodes`),
 * runs longer than `timeoutMs` (60 s) or writes more than `maxOutputBytes` (256 MiB); it is dead then, with its children.
 */
export function git(args: readonly string[], call: GitCall): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const { input, maxOutputBytes = defaultMaxOutputBytes, timeoutMs = defaultTimeoutMs } = call;
  const command = args[0] ?? '';
  const config = [...safeConfig, ...(call.config ?? [])].flatMap((setting) => ['-c', setting]);
  const workTree = call.workTree === undefined ? [] : [`--work-tree=${call.workTree}`];
  const child = spawn('git', [`--git-dir=${call.gitDir}`, ...workTree, ...config, ...args], {
    cwd: '/',
    env: environmentOf(call),
    // A group of its own, so that what git starts dies with it.
    detached: true,
    stdio: [typeof input === 'number' ? input : 'pipe', 'pipe', 'pipe'],
    ...call.as,
  });

  const output: Buffer[] = [];
  const stderr: Buffer[] = [];
  let outputBytes = 0;
  let stderrBytes = 0;
  let ended: { readonly reason: 'timeout' | 'output'; readonly how: string } | undefined;
  const end = (reason: 'timeout' | 'output', how: string): void => {
    ended ??= { reason, how };
    killGroup(child.pid);
  };
  const timer = setTimeout(() => end('timeout', `took longer than ${timeoutMs} ms and was ended`), timeoutMs);

  child.stdout?.on('data', (chunk: Buffer) => {
    outputBytes += chunk.length;
    if (outputBytes > maxOutputBytes) end('output', `wrote more than ${maxOutputBytes} bytes and was ended`);
    else if (call.onOutput) call.onOutput(chunk);
    else output.push(chunk);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr.push(chunk);
    stderrBytes += chunk.length;
    while (stderrBytes > maxStderrBytes && stderr.length > 1) stderrBytes -= stderr.shift()?.length ?? 0;
  });
  // A git that ends before it has read everything says so by its exit code; the broken pipe adds nothing.
  child.stdin?.on('error', () => {});
  if (typeof input !== 'number') child.stdin?.end(input);

  child.on('error', (error) => {
    clearTimeout(timer);
    reject(
      new GitError(
        command,
        'machine',
        'could not be started: is git installed in /usr/bin?',
        Buffer.alloc(0),
        null,
        error,
      ),
    );
  });
  child.on('close', (code, signal) => {
    clearTimeout(timer);
    const said = Buffer.concat(stderr);
    if (ended) reject(new GitError(command, ended.reason, ended.how, said, code));
    else if (code === 0 || (code !== null && call.exitCodes?.includes(code))) resolve(Buffer.concat(output));
    else reject(new GitError(command, reasonOfExit(said), `failed (${signal ?? `exit ${String(code)}`})`, said, code));
  });
  return promise;
}

function environmentOf(call: GitCall): Record<string, string> {
  const { indexFile, writeTo, readFrom = [] } = call;
  return {
    ...cleanEnvironment,
    ...(indexFile === undefined ? {} : { GIT_INDEX_FILE: indexFile }),
    ...(writeTo === undefined ? {} : { GIT_OBJECT_DIRECTORY: writeTo }),
    // Quoted, because a colon in a path would make two of it.
    ...(readFrom.length === 0
      ? {}
      : { GIT_ALTERNATE_OBJECT_DIRECTORIES: readFrom.map((path) => JSON.stringify(path)).join(':') }),
    ...call.environment,
  };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}
