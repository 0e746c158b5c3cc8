/**
 * One governed session over a repository with a real defect, from request to a patch that mends it.
 *
 * Everything here is done by the commands a person would type, and each is shown before it runs. Exits 0 only if the
 * patch was promoted and, applied to a fresh clone, makes the repository's own checks pass.
 */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const aas = join(root, 'bin', 'aas');
const startedAt = Date.now();
const waitSeconds = '600';
/** Whether there is a person: one who can answer, and sees what the question is about. */
const hasPerson = process.stdin.isTTY && process.stdout.isTTY;

const folder = mkdtempSync(join(tmpdir(), 'aas-demo-'));
const repository = join(folder, 'duration');
const clone = join(folder, 'clone');

/** Runs a command with its output shown as it comes, and resolves with its exit code. */
function run(argv: readonly string[], cwd = root): Promise<number | null> {
  const [command = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    spawn(command, args, { cwd, stdio: 'inherit' }).once('error', reject).once('close', resolve);
  });
}

/** The same for one that must end with a code. */
async function show(argv: readonly string[], cwd = root, expected = 0): Promise<void> {
  const code = await run(argv, cwd);
  if (code !== expected) throw new Error(`${argv.join(' ')} ended with ${code}`);
}

/** Runs a command and returns what it printed. */
function read(argv: readonly string[], cwd = root): string {
  const [command = '', ...args] = argv;
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}\n${stderr}`);
  return stdout;
}

function say(text: string): void {
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`\n[${seconds.padStart(5)} s] ${text}\n`);
}

const quoted = (argument: string) =>
  /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
const step = (argv: readonly string[]) => process.stdout.write(`  $ bin/aas ${argv.map(quoted).join(' ')}\n`);

interface View {
  readonly status: string;
  readonly outcome: string | null;
  readonly candidate: { readonly digest: string } | null;
  readonly promotion: { readonly ref: string; readonly digest: string } | null;
  readonly gate: { readonly id: string; readonly subject: string | null; readonly reason: string } | null;
  readonly links: { readonly ui: string; readonly docs: string };
}
const view = (id: string) => JSON.parse(read([aas, 'session', 'view', id, '--json'])) as View;

/** The events, shown meanwhile, say what happens; this only waits. Its code says how a session ended, which the view does too. */
async function waitFor(id: string, until: 'gate' | 'end'): Promise<void> {
  const argv = [aas, 'session', 'wait', id, '--for', until, '--timeout', waitSeconds];
  await new Promise((resolve) => spawn(argv[0] ?? '', argv.slice(1), { stdio: 'ignore' }).once('close', resolve));
}

const quote = (text: string) => text.trimEnd().replaceAll(/^/gm, '  | ') + '\n';

function makeRepository(): void {
  cpSync(join(root, 'examples', 'duration'), repository, { recursive: true });
  const git = (...args: string[]) =>
    read(['git', '-c', 'user.name=Demo', '-c', 'user.email=demo@localhost', ...args], repository);
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--message=A library for durations');
}

const request = [
  ...['session', 'create', '--repo', repository, '--base', 'main'],
  ...['--goal', 'Durations of several units must add up'],
  ...['--agent', 'command', '--command', "sed -i 's/total = int/total += int/' duration.py && git diff --stat"],
];

async function decide(id: string, gate: NonNullable<View['gate']>): Promise<void> {
  if (hasPerson) {
    step(['approve', id]);
    if ((await run([aas, 'approve', id])) === 0 || view(id).gate?.id !== gate.id) return;
    // `approve` takes no for "not now". Here nobody would come back to it.
    const no = ['reject', id, '--reason', 'The person at the demo did not approve it'];
    step(no);
    await show([aas, ...no]);
    return;
  }
  process.stdout.write('  No terminal: nobody can be asked, so this demo approves by itself.\n');
  process.stdout.write(quote(read([aas, 'session', 'patch', id, '--diff'])));
  const argv = ['approve', id, ...(gate.subject === null ? [] : ['--subject', gate.subject])];
  step(argv);
  await show([aas, ...argv]);
}

/** Applies the promoted patch to a fresh clone and runs the repository's own checks there. */
async function prove(id: string): Promise<void> {
  const patch = join(folder, `${id}.patch`);
  writeFileSync(patch, read([aas, 'session', 'patch', id]));
  read(['git', 'clone', '--quiet', repository, clone]);
  const committer = ['-c', 'user.name=Demo', '-c', 'user.email=demo@localhost'];
  await show(['git', ...committer, 'am', patch], clone);
  await show(['python3', '-m', 'unittest'], clone);
}

async function demo(): Promise<void> {
  const wasUp = spawnSync(aas, ['status'], { stdio: 'ignore' }).status === 0;
  say('The stack: Temporal, API and one process for each capability');
  if (!wasUp) await show([aas, 'up', '--detach']);
  try {
    say('A repository with a real defect: its own tests are red');
    makeRepository();
    await show(['python3', '-m', 'unittest', '-q'], repository, 1);

    say('A session: the agent works in a sandbox without network, repository or credentials');
    step(request);
    const { id } = JSON.parse(read([aas, ...request, '--json'])) as { id: string };
    const told = show([aas, 'session', 'events', id, '--follow']);
    await waitFor(id, 'gate');

    const waiting = view(id);
    if (waiting.gate !== null) {
      say(`A person decides at ${waiting.gate.id}: ${waiting.gate.reason}`);
      await decide(id, waiting.gate);
    }
    await waitFor(id, 'end');
    await told;

    const ended = view(id);
    if (ended.outcome !== 'promoted' || ended.promotion === null) {
      throw new Error(
        `The session ended as ${ended.status}${ended.outcome ? ` (${ended.outcome})` : ''}: nothing was promoted`,
      );
    }
    say(`Promoted: ${ended.promotion.ref}  ${ended.promotion.digest}`);
    process.stdout.write(quote(read([aas, 'session', 'patch', id, '--diff'])));

    say('The proof: a fresh clone, plain `git am`, and the repository’s own checks');
    await prove(id);
    say('Done: the promoted patch mends the defect');
    process.stdout.write(
      `  this session in Temporal  ${ended.links.ui}\n  the API                   ${ended.links.docs}\n`,
    );
  } finally {
    if (!wasUp && !hasPerson) {
      say('The stack that this demo started is stopped again');
      await show([aas, 'down']);
    } else {
      process.stdout.write('  The stack keeps running: stop it with `make stop`\n');
    }
  }
}

try {
  await demo();
} catch (error) {
  process.stderr.write(`\ndemo failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
