/**
 * `make hygiene-check`: nothing is in the tree that must not be. Prints `<file>:<line> <what>` for each find and ends with
 * their number; looks at every file that git tracks or would take. usage: node scripts/hygiene.ts [FOLDER]
 */
import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isRuntimeArtifact } from '../policies/runtime-artifacts.ts';

interface Find {
  readonly file: string;
  /** From 1; 0 where the file itself is the find. */
  readonly line: number;
  readonly what: string;
}

const leftovers =
  /^(\.aas|dist|coverage)\/|(^|\/)(\.tools|node_modules|__pycache__|\.pytest_cache)\/|\.(log|pyc|pid|sock|sqlite(-wal|-shm)?)$|(^|\/)\.env(\.local)?$/;

/** Written so that no rule finds itself. */
const secrets: readonly [string, RegExp][] = [
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE[ ]KEY-----/],
  ['a GitHub token', /\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40})/],
  ['a GitLab token', /\bglpat-[A-Za-z0-9_-]{20}/],
  ['an AWS key', /\b(AKIA|ASIA)[A-Z0-9]{16}\b/],
  ['a Google key', /\bAIza[A-Za-z0-9_-]{35}/],
  ['a Slack token', /\bxox[abprs]-[A-Za-z0-9-]{20}/],
  ['a model key', /\bsk-(ant-|proj-)?[A-Za-z0-9_-]{32}/],
  ['an npm token', /\bnpm_[A-Za-z0-9]{36}\b/],
  ['a token of ours', /\baas_[0-9a-f]{8}_[A-Za-z0-9]{43}/],
  ['a signed web token', /\beyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\./],
  // Names reserved for examples (RFC 2606) lead nowhere.
  [
    'a password in an address',
    /:\/\/[^\s/:@'"`$<]+:[^\s/:@'"`$<]{3,}@(?!(?:[\w-]+\.)*(?:example|invalid|test)(?:\.(?:com|org|net))?\b)/,
  ],
];

/** A person's folder or a build machine's; `/home/agent` is the sandbox's own. */
const machinePath = /(?<![\w$}.)\]-])\/(home\/(?!agent\b)|Users\/|root\/|work\/)[\w.-]/;
/** Downloads come from the registry that the machine names. This file says which it is where the machine names none. */
const namesRegistry = 'scripts/fetch-package.py';
const registryHost = /\b(registry[.]npmjs|registry[.]yarnpkg|pypi[.]org|pythonhosted[.]org|deb[.]debian[.]org)/;

const isWorkflow = (file: string): boolean =>
  /(^|\/)\.github\/(workflows\/[^/]+|actions\/.*\/action)\.ya?ml$/.test(file);
const action = /^\s*(?:-\s*)?uses:\s*['"]?([^\s'"#]+)/;

function isUnpinned(used: string): boolean {
  if (used.startsWith('./')) return false;
  return used.startsWith('docker:') ? !/@sha256:[0-9a-f]{64}$/.test(used) : !/@[0-9a-f]{40}$/.test(used);
}

function* finds(file: string, text: string): Generator<Find> {
  if (isRuntimeArtifact(file) || leftovers.test(file)) yield { file, line: 0, what: 'a runtime artifact' };
  for (const [index, content] of text.split('\n').entries()) {
    const at = { file, line: index + 1 };
    for (const [what, pattern] of secrets) if (pattern.test(content)) yield { ...at, what };
    if (machinePath.test(content)) yield { ...at, what: 'a path of one machine' };
    if (file !== namesRegistry && registryHost.test(content)) yield { ...at, what: 'the host of a registry' };
    if (basename(file) === 'package-lock.json' && /^\s*"resolved":/.test(content)) {
      yield { ...at, what: 'a download address in a lock file (npm: omit-lockfile-registry-resolved)' };
    }
    const used = isWorkflow(file) ? action.exec(content)?.[1] : undefined;
    if (used !== undefined && isUnpinned(used)) yield { ...at, what: `an action not pinned to a commit: ${used}` };
  }
}

/** Everything that is wrong in a folder of a git repository. Rejects nothing: what cannot be read as text has no lines. */
export function inspect(folder: string): Find[] {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: folder });
  const files = [...new Set(list.toString('utf8').split('\0'))].filter((file) => file !== '');
  return files.flatMap((file) => [...finds(file, textOf(join(folder, file)))]);
}

function textOf(path: string): string {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isFile()) return '';
  const bytes = readFileSync(path);
  return bytes.includes(0) ? '' : bytes.toString('utf8');
}

if (import.meta.main) {
  const found = inspect(process.argv[2] ?? '.');
  for (const { file, line, what } of found) process.stdout.write(`${line === 0 ? file : `${file}:${line}`} ${what}\n`);
  if (found.length > 0) process.stdout.write(`hygiene: ${found.length} to remove\n`);
  process.exitCode = found.length > 0 ? 1 : 0;
}
