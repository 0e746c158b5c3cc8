import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { git } from '../../../activities/ports/git/git.ts';
import { GitError } from '../../../activities/ports/git/git-error.ts';
import { createRepository, makeFifo, plainGit, temporaryFolder } from '../../helpers/repositories.ts';

const failureOf = (running: Promise<unknown>): Promise<GitError> =>
  running.then(
    () => Promise.reject(new Error('Expected git to fail')),
    (error: unknown) => {
      if (error instanceof GitError) return error;
      throw error;
    },
  );

test('bytes go in and come out as they are', async () => {
  const gitDir = join(await createRepository(), '.git');
  const bytes = Buffer.from([0, 255, 13, 10, 10, 0xc3, 0x28]);
  const oid = (await git(['hash-object', '-w', '--stdin'], { gitDir, input: bytes })).toString().trim();
  expect(await git(['cat-file', 'blob', oid], { gitDir })).toEqual(bytes);
});

test('the environment of this process does not reach git', async () => {
  const gitDir = join(await createRepository(), '.git');
  const before = { ...process.env };
  const planted = join(await temporaryFolder(), 'planted');
  await writeFile(planted, '[aas]\n\tplanted = yes\n');
  Object.assign(process.env, {
    GIT_CONFIG_GLOBAL: planted,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'aas.too',
    GIT_CONFIG_VALUE_0: 'yes',
  });
  try {
    const settings = (await git(['config', '--list'], { gitDir })).toString();
    expect(settings).toContain('core.hookspath=/dev/null');
    expect(settings).not.toMatch(/aas\./);
  } finally {
    process.env = before;
  }
});

test('a git that does not end is ended, with the processes it started', async () => {
  const folder = await createRepository();
  const pidFile = join(folder, 'pid');
  await writeFile(join(folder, 'filter.sh'), `#!/bin/sh\necho $$ > ${pidFile}\nexec sleep 1000\n`, { mode: 0o755 });
  const call = {
    gitDir: join(folder, '.git'),
    config: [`filter.slow.clean=${join(folder, 'filter.sh')}`],
    input: Buffer.from('x'),
    timeoutMs: 1500,
  };
  await writeFile(join(folder, '.git', 'info', 'attributes'), '* filter=slow\n');
  const failure = await failureOf(git(['hash-object', '--stdin', '--path=a'], call));
  expect(failure.reason).toBe('timeout');
  const pid = Number(await readFile(pidFile, 'utf8'));
  // Dead, though perhaps not yet buried by init.
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State:\tX');
  expect(status).toMatch(/^State:\t[XZ]/m);
});

test('a git that waits for a FIFO is ended', async () => {
  const repository = await createRepository();
  await makeFifo(join(repository, 'fifo'));
  const call = { gitDir: join(repository, '.git'), indexFile: join(repository, 'fifo'), timeoutMs: 300 };
  const failure = await failureOf(git(['ls-files'], call));
  expect(failure.reason).toBe('timeout');
});

test('more output than asked for is a failure, not a shorter answer', async () => {
  const folder = await createRepository({ big: Buffer.alloc(100_000, 'x') });
  const failure = await failureOf(
    git(['cat-file', 'blob', 'HEAD:big'], { gitDir: join(folder, '.git'), maxOutputBytes: 1000 }),
  );
  expect(failure.reason).toBe('output');
});

test('an exit code that is an answer resolves, any other rejects with what git said', async () => {
  const gitDir = join(await createRepository(), '.git');
  await expect(
    git(['show-ref', '--verify', '--quiet', 'refs/heads/none'], { gitDir, exitCodes: [1] }),
  ).resolves.toHaveLength(0);
  const failure = await failureOf(git(['cat-file', 'blob', 'HEAD:none'], { gitDir }));
  expect(failure).toMatchObject({ reason: 'exit', exitCode: 128 });
  expect(failure.message).toMatch(/^git cat-file failed \(exit 128\): fatal: path 'none' does not exist/);
});

test('what git says is shown without credentials, control characters and beyond its end', () => {
  const said = `${'line\n'.repeat(100)}fatal: https://me:secret@host.example/x\u001b[2J\u202etxt\n`;
  const failure = new GitError('fetch', 'exit', 'failed', Buffer.from(said), 128);
  expect(failure.stderr).toMatch(/line\nfatal: https:\/\/\*\*\*@host\.example\/x\?\[2J\?txt$/);
  expect(failure.stderr.split('\n')).toHaveLength(8);
});

test('a repository that allows a transport for itself still gets none', async () => {
  const folder = await createRepository();
  const marker = join(folder, 'marker');
  await plainGit(folder, 'config', 'protocol.ext.allow', 'always');
  const failure = await failureOf(git(['ls-remote', `ext::sh -c touch% ${marker}`], { gitDir: join(folder, '.git') }));
  expect(failure.stderr).toContain("transport 'ext' not allowed");
  await expect(readFile(marker)).rejects.toThrow('ENOENT');
});

test('a path with a colon is one object directory', async () => {
  const folder = join(await temporaryFolder(), 'a:b');
  await mkdir(folder);
  await plainGit(folder, 'init', '--quiet', '--initial-branch=main');
  const oid = (await git(['hash-object', '-w', '--stdin'], { gitDir: join(folder, '.git'), input: Buffer.from('x') }))
    .toString()
    .trim();
  const other = join(await createRepository(), '.git');
  const read = await git(['cat-file', 'blob', oid], { gitDir: other, readFrom: [join(folder, '.git', 'objects')] });
  expect(read.toString()).toBe('x');
});
