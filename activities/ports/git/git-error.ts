/** How a git process failed, in words that may be shown: bounded, without control characters and without credentials. */

/**
 * `exit`: it said no. `timeout`, `output`: we ended it. `machine`: there is no git to run, or no room for it to work, so the
 * same step may succeed later.
 */
export type GitFailureReason = 'exit' | 'timeout' | 'output' | 'machine';

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

/** What the system answers git when the machine is to blame, and not what git was given. */
const troubles =
  /No space left on device|Disk quota exceeded|Input\/output error|Read-only file system|Too many open files|Cannot allocate memory|Resource temporarily unavailable/i;

/** Why git ended with a code that is no answer. */
export const reasonOfExit = (stderr: Buffer): GitFailureReason =>
  troubles.test(stderr.toString()) ? 'machine' : 'exit';

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
