/** Hostile repositories: what somebody may prepare before AAS is asked to read it, or to write a branch into it. */
import { mkdir, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  createRepository,
  createWorkbench,
  makeFifo,
  plainGit,
  temporaryFolder,
  writeFiles,
} from '../../helpers/repositories.ts';

const unusable = { type: 'Source.Unusable', nonRetryable: true };

/** A repository that `prepare` makes hostile; `payload` would leave a marker. Resolves it and shows that nothing ran. */
async function resolved(prepare: (repository: string, payload: string, git: string) => Promise<unknown>) {
  const repository = await createRepository({ 'a.txt': 'one\n' });
  const folder = await temporaryFolder();
  const marker = join(folder, 'marker');
  const payload = join(folder, 'payload');
  await writeFile(payload, `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
  await prepare(repository, payload, join(repository, '.git'));
  const { source, repositories } = await createWorkbench();
  const started = performance.now();
  const outcome = await source.resolveBase({ repository, ref: 'main' }).then(
    async (base) => ({ base, trusted: await repositories.open(base) }),
    (error: unknown) => ({ error }),
  );
  expect(performance.now() - started).toBeLessThan(15_000);
  await expect(stat(marker)).rejects.toThrow('ENOENT');
  return { ...outcome, repository };
}

async function expectRead(outcome: Awaited<ReturnType<typeof resolved>>): Promise<void> {
  if ('error' in outcome) throw outcome.error;
  expect((await outcome.trusted.readFile('a.txt', 100))?.toString()).toBe('one\n');
}

describe('settings are not read: the base is what its objects say', () => {
  test.each([
    'core.fsmonitor',
    'core.sshCommand',
    'core.gitProxy',
    'core.alternateRefsCommand',
    'core.pager',
    'core.askPass',
    'credential.helper',
    'uploadpack.packObjectsHook',
    'diff.external',
    'filter.x.smudge',
    'filter.x.process',
    'gpg.program',
    'trace2.eventTarget',
    'include.path',
  ])('%s', async (key) => {
    await expectRead(await resolved((repository, payload) => plainGit(repository, 'config', key, payload)));
  });

  test('hooks of every name', async () => {
    const outcome = await resolved(async (_repository, payload, git) => {
      await mkdir(join(git, 'hooks'), { recursive: true });
      for (const hook of [
        'post-checkout',
        'reference-transaction',
        'pre-auto-gc',
        'post-index-change',
        'post-upload-pack',
        'fsmonitor-watchman',
      ]) {
        await symlink(payload, join(git, 'hooks', hook));
      }
    });
    await expectRead(outcome);
  });

  test('a configuration that git cannot read at all', async () => {
    await expectRead(await resolved((_repository, _payload, git) => writeFile(join(git, 'config'), '[[[\n')));
  });

  test('a worktree setting, replaced objects, grafts', async () => {
    const outcome = await resolved(async (repository, _payload, git) => {
      const commit = await plainGit(repository, 'rev-parse', 'HEAD');
      await writeFiles(repository, { 'a.txt': 'replaced\n' });
      await plainGit(repository, 'switch', '--quiet', '--create', 'other');
      await plainGit(repository, 'commit', '--quiet', '--all', '-m', 'x');
      await plainGit(repository, 'replace', '-f', commit, 'other');
      await plainGit(repository, 'config', 'core.worktree', '/etc');
      await writeFile(join(git, 'info', 'grafts'), `${commit} ${'e'.repeat(40)}\n`);
    });
    await expectRead(outcome);
  });

  test('a submodule is never fetched', async () => {
    const outcome = await resolved(async (repository, payload) => {
      await writeFiles(repository, { '.gitmodules': '[submodule "s"]\n\tpath = s\n\turl = https://127.0.0.1:9/s\n' });
      await plainGit(repository, 'add', '--all');
      await plainGit(repository, 'update-index', '--add', '--cacheinfo', `160000,${'e'.repeat(40)},s`);
      await plainGit(repository, 'commit', '--quiet', '-m', 's');
      await plainGit(repository, 'config', 'submodule.s.update', `!${payload}`);
      await plainGit(repository, 'config', 'submodule.s.url', `ext::${payload}`);
    });
    await expectRead(outcome);
  });

  test('a promisor remote is never asked', async () => {
    const outcome = await resolved(async (repository, payload, git) => {
      await plainGit(repository, 'config', 'extensions.partialClone', 'evil');
      await plainGit(repository, 'config', 'remote.evil.url', `ext::${payload}`);
      await plainGit(repository, 'config', 'protocol.ext.allow', 'always');
      const blob = await plainGit(repository, 'rev-parse', 'HEAD:a.txt');
      await rm(join(git, 'objects', blob.slice(0, 2)), { recursive: true });
    });
    expect(outcome).toMatchObject({ error: unusable });
  });
});

describe('nothing of another repository is read through it', () => {
  /** A second repository whose commit the first pretends to have. */
  async function borrowing(prepare: (git: string, other: string, commit: string) => Promise<unknown>) {
    const other = await createRepository({ secret: 'HOST-SECRET-4711\n' });
    const commit = await plainGit(other, 'rev-parse', 'HEAD');
    return resolved(async (repository, _payload, git) => {
      await prepare(git, join(other, '.git'), commit);
      await writeFile(join(repository, '.git', 'refs', 'heads', 'main'), `${commit}\n`);
    });
  }

  test.each<[string, (git: string, other: string, commit: string) => Promise<unknown>]>([
    ['alternates', (git, other) => writeFile(join(git, 'objects', 'info', 'alternates'), `${other}/objects\n`)],
    [
      'objects as a link',
      async (git, other) => {
        await rm(join(git, 'objects'), { recursive: true });
        await symlink(join(other, 'objects'), join(git, 'objects'));
      },
    ],
    [
      'folders of objects as links',
      async (git, other, commit) => {
        const ids = await plainGit(other, 'rev-list', '--objects', '--no-object-names', commit);
        for (const id of ids.split('\n')) {
          await rm(join(git, 'objects', id.slice(0, 2)), { recursive: true, force: true });
          await symlink(join(other, 'objects', id.slice(0, 2)), join(git, 'objects', id.slice(0, 2)));
        }
      },
    ],
    [
      'a pack as a link',
      async (git, other) => {
        await plainGit(other, 'repack', '-adq');
        for (const name of await readdir(join(other, 'objects', 'pack'))) {
          await symlink(join(other, 'objects', 'pack', name), join(git, 'objects', 'pack', name));
        }
      },
    ],
  ])('by %s', async (_what, prepare) => {
    const outcome = await borrowing(prepare);
    expect(outcome).toMatchObject({
      error: { ...unusable, message: expect.stringContaining('borrows objects') as unknown },
    });
  });

  test('by a commondir, without being that repository', async () => {
    const other = await createRepository({ secret: 'x' });
    const outcome = await resolved((_repository, _payload, git) =>
      writeFile(join(git, 'commondir'), `${other}/.git\n`),
    );
    if (!('base' in outcome)) throw new Error('Expected a base');
    // It is the other one then, and policy sees its name and key.
    expect(outcome.base.repository).toBe(other);
    const { dev, ino } = await stat(join(other, '.git'));
    expect(outcome.base.repositoryKey).toBe(`file:${dev}:${ino}`);
  });
});

describe('what would make git wait is refused in time', () => {
  test.each<[string, (git: string) => Promise<unknown>]>([
    ['packed-refs', (git) => makeFifo(join(git, 'packed-refs'))],
    ['config', (git) => rm(join(git, 'config')).then(() => makeFifo(join(git, 'config')))],
    ['HEAD', (git) => rm(join(git, 'HEAD')).then(() => makeFifo(join(git, 'HEAD')))],
    ['a ref', (git) => rm(join(git, 'refs', 'heads', 'main')).then(() => makeFifo(join(git, 'refs', 'heads', 'main')))],
    ['an object', (git) => makeFifo(join(git, 'objects', 'pack', 'x.idx'))],
  ])('%s as a FIFO', { timeout: 30_000 }, async (_what, prepare) => {
    expect(await resolved((_repository, _payload, git) => prepare(git))).toMatchObject({ error: unusable });
  });
});

describe('refs', () => {
  test.each(['--upload-pack=x', '-n', '--output=x'])('a branch named %s cannot be asked for', async (name) => {
    const repository = await createRepository();
    const commit = await plainGit(repository, 'rev-parse', 'HEAD');
    await writeFile(join(repository, '.git', 'refs', 'heads', name), `${commit}\n`);
    const { source } = await createWorkbench();
    await expect(source.resolveBase({ repository, ref: name })).rejects.toMatchObject({ type: 'Input.Bad' });
  });

  test('a HEAD that says something else than a branch is refused', async () => {
    for (const head of [
      'ref: --help',
      'ref: ../../../etc/passwd',
      'ref: refs/heads/*',
      '$(id)',
      '',
      'x'.repeat(70_000),
    ]) {
      const repository = await createRepository();
      await writeFile(join(repository, '.git', 'HEAD'), `${head}\n`);
      const { source } = await createWorkbench();
      await expect(source.resolveBase({ repository, ref: 'HEAD' })).rejects.toMatchObject(unusable);
    }
  });

  test('a ref that is a link to a file of the host tells nothing of it', async () => {
    const outcome = await resolved(async (repository, _payload, git) => {
      await writeFile(join(repository, 'host'), 'HOST-SECRET-4711\n');
      await rm(join(git, 'refs', 'heads', 'main'));
      await symlink(join(repository, 'host'), join(git, 'refs', 'heads', 'main'));
    });
    expect(outcome).toMatchObject({ error: unusable });
    expect(JSON.stringify('error' in outcome ? String(outcome.error) : '')).not.toContain('HOST-SECRET');
  });
});

test('a damaged object is found by whoever opens the base, and harms no other repository with that commit', async () => {
  const good = await createRepository({ 'a.txt': 'one\n' });
  const folder = await temporaryFolder();
  const bad = join(folder, 'bad');
  await plainGit('/', 'clone', '--quiet', '--no-hardlinks', good, bad);
  const blob = await plainGit(good, 'rev-parse', 'HEAD:a.txt');
  await writeFile(join(bad, 'planted'), 'evil\n');
  const planted = await plainGit(bad, 'hash-object', '-w', 'planted');
  const objects = join(bad, '.git', 'objects');
  await mkdir(join(objects, blob.slice(0, 2)), { recursive: true });
  await rm(join(objects, blob.slice(0, 2), blob.slice(2)), { force: true });
  await rename(join(objects, planted.slice(0, 2), planted.slice(2)), join(objects, blob.slice(0, 2), blob.slice(2)));
  const { source, repositories } = await createWorkbench();
  const open = async (repository: string) => repositories.open(await source.resolveBase({ repository, ref: 'main' }));
  await expect(open(bad)).rejects.toMatchObject(unusable);
  expect((await (await open(good)).readFile('a.txt', 10))?.toString()).toBe('one\n');
});
