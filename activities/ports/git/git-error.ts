/** How a git process failed, in words that may be shown: bounded, without control characters and without credentials. */

/** `exit`: it said no. `timeout`, `output`: we ended it. `start`: there is no git to run. */
export type GitFailureReason = 'exit' | 'timeout' | 'output' | 'start';

const maxStderrCharacters = 1000;
const maxStderrLines = 8;

export class GitError extends Error {
  override readonly name = 'GitError';
  readonly reason: GitFailureReason;
  readonly exitCode: number | null;
  /** The last lines git wrote to stderr, sanitised. */
  readonly stderr: string;

  constructor(
    command: string,
    reason: GitFailureReason,
    how: string,
    stderr: Buffer,
    exitCode: number | null,
    cause?: unknown,
  ) {
    const said = sanitise(stderr);
    super(`git ${command} ${how}${said === '' ? '' : `: ${said}`}`, { cause });
    this.reason = reason;
    this.exitCode = exitCode;
    this.stderr = said;
  }
}

const troubles =
  /No space left on device|Disk quota exceeded|Input\/output error|Read-only file system|Too many open files|Cannot allocate memory|Resource temporarily unavailable/i;

/** Whether it was the machine that failed git, and not what git was given: then the same step may succeed later. */
export const isMachineTrouble = (error: unknown): boolean =>
  error instanceof GitError && (error.reason === 'start' || troubles.test(error.stderr));

/** What a repository makes git say may hold terminal controls, and a URL may hold a password. Neither reaches a log. */
function sanitise(stderr: Buffer): string {
  return stderr
    .toString('utf8')
    .replaceAll(/\/\/[^/@\s]*@/g, '//***@')
    .replaceAll(/[^\P{C}\n]/gu, '?')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-maxStderrLines)
    .join('\n')
    .slice(-maxStderrCharacters);
}
