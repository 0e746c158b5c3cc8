/**
 * `make smoke-local`: asks the running stack whether it works, through the doors that people use: health, the refusal of a
 * stranger, and one small session to its end. Prints a line for each; exit code 1 with the first that fails.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'aas-smoke-'));

/** Standard output of a program; what it says on standard error is in the error when it fails. */
const read = (program: string, args: readonly string[], cwd = root): string =>
  execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const aas = (...args: string[]): string => read(join(root, 'bin', 'aas'), args);

async function expectStatus(url: string, expected: number): Promise<void> {
  const { status } = await fetch(url);
  if (status !== expected) throw new Error(`${url} answered ${status}, expected ${expected}`);
  process.stdout.write(`ok  ${url} answers ${status}\n`);
}

function makeRepository(): string {
  writeFileSync(join(folder, 'README.md'), 'A repository to be changed.\n');
  const git = (...args: string[]) =>
    read('git', ['-c', 'user.name=Smoke', '-c', 'user.email=smoke@localhost', ...args], folder);
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--message=Start');
  return folder;
}

function runSession(): void {
  const job = ['--goal', 'Say hello', '--agent', 'command', '--command', 'echo hello > hello.txt'];
  const check = ['--check', 'hello: grep hello hello.txt'];
  const id = aas('session', 'create', '--repo', makeRepository(), '--base', 'main', ...job, ...check).trim();
  aas('session', 'wait', id, '--for', 'gate', '--timeout', '120');
  const { gate } = JSON.parse(aas('session', 'view', id, '--json')) as { gate: { subject: string } | null };
  if (gate !== null) aas('approve', id, '--subject', gate.subject);
  aas('session', 'wait', id, '--for', 'end', '--timeout', '120');
  const { outcome } = JSON.parse(aas('session', 'view', id, '--json')) as { outcome: string | null };
  if (outcome !== 'promoted') throw new Error(`session ${id} ended ${outcome}: see bin/aas session events ${id}`);
  process.stdout.write(`ok  session ${id} was promoted\n`);
}

try {
  const { api } = JSON.parse(aas('status', '--json')) as { api: { url: string } };
  await expectStatus(`${api.url}/health`, 200);
  await expectStatus(`${api.url}/openapi.json`, 200);
  await expectStatus(`${api.url}/api/v1/sessions`, 401);
  runSession();
  aas('audit', 'verify');
  process.stdout.write('ok  the audit log is whole\n');
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `failed: ${reason}\nIs the stack running? bin/aas status tells; bin/aas up --detach starts it.\n`,
  );
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
