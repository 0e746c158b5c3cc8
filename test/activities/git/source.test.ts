import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, test } from 'vitest';
import { createSource } from '../../../activities/ports/git/source.ts';
import { createSourceActivities } from '../../../activities/source.ts';
import type { Base } from '../../../temporal/contract/messages.ts';
import {
  commitFiles,
  createRepository,
  createWorkbench,
  plainGit,
  temporaryFolder,
} from '../../helpers/repositories.ts';

const unusable = { type: 'Source.Unusable', nonRetryable: true };
const badInput = { type: 'Input.Bad', nonRetryable: true };

describe('a ref', () => {
  test('is a branch, a tag, a commit, HEAD or a full name', async () => {
    const repository = await createRepository();
    const first = await plainGit(repository, 'rev-parse', 'HEAD');
    await plainGit(repository, 'tag', 'light');
    await plainGit(repository, 'tag', '-a', 'heavy', '-m', 'x');
    await plainGit(repository, 'tag', '-a', 'heavier', '-m', 'x', 'heavy');
    await plainGit(repository, 'update-ref', 'refs/remotes/origin/far', 'HEAD');
    await plainGit(repository, 'switch', '--quiet', '--create', 'feature/x');
    const second = await commitFiles(repository, { a: '1' });
    const { source } = await createWorkbench();
    const resolve = async (ref: string) => {
      const base = await source.resolveBase({ repository, ref });
      return [base.ref, base.commit];
    };
    expect(await resolve('main')).toEqual(['refs/heads/main', first]);
    expect(await resolve('HEAD')).toEqual(['refs/heads/feature/x', second]);
    expect(await resolve('feature/x')).toEqual(['refs/heads/feature/x', second]);
    expect(await resolve('refs/heads/main')).toEqual(['refs/heads/main', first]);
    expect(await resolve('light')).toEqual(['refs/tags/light', first]);
    expect(await resolve('heavy')).toEqual(['refs/tags/heavy', first]);
    expect(await resolve('heavier')).toEqual(['refs/tags/heavier', first]);
    expect(await resolve('origin/far')).toEqual(['refs/remotes/origin/far', first]);
    expect(await resolve(first)).toEqual([null, first]);
    expect(await resolve(second.slice(0, 10))).toEqual([null, second]);
    await plainGit(repository, 'pack-refs', '--all');
    expect(await resolve('main')).toEqual(['refs/heads/main', first]);
    await plainGit(repository, 'switch', '--quiet', '--detach', first);
    expect(await resolve('HEAD')).toEqual([null, first]);
  });

  test('that is a branch and a tag is the branch', async () => {
    const repository = await createRepository();
    await plainGit(repository, 'tag', 'x');
    await plainGit(repository, 'switch', '--quiet', '--create', 'x');
    const commit = await commitFiles(repository, { a: '1' });
    const { source } = await createWorkbench();
    expect(await source.resolveBase({ repository, ref: 'x' })).toMatchObject({ ref: 'refs/heads/x', commit });
  });

  test('that is unknown is named, with those it may have been', async () => {
    const repository = await createRepository();
    for (const name of ['develop', 'feature/one', 'feature/two', 'unrelated-and-long'])
      await plainGit(repository, 'branch', name);
    const { source } = await createWorkbench();
    await expect(source.resolveBase({ repository, ref: 'devlop' })).rejects.toMatchObject({
      ...unusable,
      message: `${repository} has no ref "devlop". Did you mean develop?`,
    });
    await expect(source.resolveBase({ repository, ref: 'feature' })).rejects.toThrow(
      'Did you mean feature/one, feature/two?',
    );
    await expect(source.resolveBase({ repository, ref: 'f'.repeat(40) })).rejects.toMatchObject(unusable);
    await expect(source.resolveBase({ repository, ref: 'refs/heads/feature' })).rejects.toMatchObject(unusable);
  });

  test('lists no more than five', async () => {
    const repository = await createRepository();
    for (let n = 0; n < 9; n++) await plainGit(repository, 'branch', `topic-${n}`);
    const { source } = await createWorkbench();
    const error: unknown = await source.resolveBase({ repository, ref: 'topic' }).catch((failure: unknown) => failure);
    expect(String(error).match(/topic-\d/g)).toHaveLength(5);
  });

  test.each([
    '-x',
    '--upload-pack=touch x',
    'a..b',
    'main~1',
    'main^',
    ':/text',
    'HEAD@{1}',
    '@',
    'a b',
    '',
    'x.lock',
    '/main',
    'main/',
    'a\nb',
    '*',
    'refs/heads/../x',
  ])('cannot be %j', async (ref) => {
    const { source } = await createWorkbench();
    const repository = await createRepository();
    await expect(source.resolveBase({ repository, ref })).rejects.toMatchObject(badInput);
  });

  test('to a tree or a blob is none', async () => {
    const repository = await createRepository();
    await plainGit(repository, 'tag', 'tree', 'HEAD^{tree}');
    await plainGit(repository, 'tag', '-a', 'blob', '-m', 'x', 'HEAD:readme.md');
    const { source } = await createWorkbench();
    for (const ref of ['tree', 'blob'])
      await expect(source.resolveBase({ repository, ref })).rejects.toMatchObject(unusable);
  });
});

describe('one repository', () => {
  test('is one key and one location, however it is called', async () => {
    const repository = await createRepository();
    await plainGit(repository, 'worktree', 'add', '--quiet', `${repository}-wt`, '-b', 'other');
    const link = join(await temporaryFolder(), 'link');
    await symlink(repository, link);
    const { source } = await createWorkbench();
    const spellings = [
      repository,
      `${repository}/`,
      `${repository}/.git`,
      `${repository}/./.git/..`,
      link,
      `file://${repository}`,
      `file://${link}/`,
      `./${relative(process.cwd(), repository)}`,
      relative(process.cwd(), repository),
      `${repository}-wt`,
    ];
    try {
      const bases = await Promise.all(
        spellings.map((spelling) => source.resolveBase({ repository: spelling, ref: 'main' })),
      );
      expect(new Set(bases.map((base) => JSON.stringify(base))).size).toBe(1);
      expect(bases[0]).toMatchObject({ repository, repositoryKey: expect.stringMatching(/^file:\d+:\d+$/) as unknown });
      const worktree = await source.resolveBase({ repository: `${repository}-wt`, ref: 'HEAD' });
      expect(worktree).toMatchObject({ ref: 'refs/heads/other', repository });
    } finally {
      await rm(`${repository}-wt`, { recursive: true });
    }
  });

  test('may be bare', async () => {
    const bare = join(await temporaryFolder(), 'bare.git');
    await plainGit('/', 'clone', '--quiet', '--bare', await createRepository(), bare);
    const { source } = await createWorkbench();
    expect(await source.resolveBase({ repository: bare, ref: 'HEAD' })).toMatchObject({
      repository: bare,
      ref: 'refs/heads/main',
    });
  });

  test('and its clone are two', async () => {
    const repository = await createRepository();
    const clone = join(await temporaryFolder(), 'clone');
    await plainGit('/', 'clone', '--quiet', repository, clone);
    const { source } = await createWorkbench();
    const [one, two] = await Promise.all(
      [repository, clone].map((path) => source.resolveBase({ repository: path, ref: 'HEAD' })),
    );
    expect(one?.repositoryKey).not.toBe(two?.repositoryKey);
    expect(one?.bundle).toEqual(two?.bundle);
  });

  test.runIf(process.getuid?.() === 0)('may belong to somebody else when we are root', async () => {
    const repository = await createRepository();
    await chown(repository, 12_345, 12_345);
    await chown(join(repository, '.git'), 12_345, 12_345);
    const { source } = await createWorkbench();
    await expect(source.resolveBase({ repository, ref: 'HEAD' })).resolves.toMatchObject({ ref: 'refs/heads/main' });
  });

  test('may be shallow', async () => {
    const origin = await createRepository();
    await commitFiles(origin, { a: '1' });
    const shallow = join(await temporaryFolder(), 'shallow');
    await plainGit('/', 'clone', '--quiet', '--depth=1', `file://${origin}`, shallow);
    const { source, repositories } = await createWorkbench();
    const trusted = await repositories.open(await source.resolveBase({ repository: shallow, ref: 'HEAD' }));
    expect((await trusted.readFile('a', 9))?.toString()).toBe('1');
  });
});

describe('the bundle', () => {
  test('is made once for a commit, whoever asks at the same time', async () => {
    const repository = await createRepository();
    const { source, folder } = await createWorkbench();
    const bases = await Promise.all(Array.from({ length: 8 }, () => source.resolveBase({ repository, ref: 'main' })));
    expect(new Set(bases.map(({ bundle }) => bundle.digest)).size).toBe(1);
    expect(await readdir(join(folder, 'source'))).toEqual(['bundles']);
    expect(await readdir(join(folder, 'source', 'bundles'))).toHaveLength(1);
  });

  test('has the same bytes whatever the history is packed like, and whoever makes it', async () => {
    const repository = await createRepository({ a: 'a\n'.repeat(5000), b: 'b' });
    await commitFiles(repository, { a: `${'a\n'.repeat(5000)}more\n` });
    const digest = async () =>
      (await (await createWorkbench()).source.resolveBase({ repository, ref: 'main' })).bundle.digest;
    const loose = await digest();
    await plainGit(repository, 'repack', '-adq', '--window=50');
    expect(await digest()).toBe(loose);
  });

  test('holds the tree and none of the history', async () => {
    const repository = await createRepository({ secret: 'removed later' });
    const blob = await plainGit(repository, 'rev-parse', 'HEAD:secret');
    await rm(join(repository, 'secret'));
    await commitFiles(repository, { a: '1' });
    const { source, repositories } = await createWorkbench();
    const trusted = await repositories.open(await source.resolveBase({ repository, ref: 'main' }));
    await expect(trusted.readBlob(blob, 100)).rejects.toThrow('There is no blob');
  });

  test('is made again when the artifact is gone', async () => {
    const repository = await createRepository();
    const { source, artifacts, folder } = await createWorkbench();
    const { bundle } = await source.resolveBase({ repository, ref: 'main' });
    await rm(join(folder, 'artifacts'), { recursive: true });
    const again = createSource({
      directory: join(folder, 'source'),
      artifacts: (await import('../../../artifacts/directory-artifact-store.ts')).openArtifactDirectory(
        join(folder, 'artifacts'),
      ),
    });
    await expect(again.resolveBase({ repository, ref: 'main' })).resolves.toMatchObject({ bundle });
    expect(await artifacts.has(bundle.digest)).toBe(true);
  });

  test('follows the branch', async () => {
    const repository = await createRepository();
    const { source } = await createWorkbench();
    const before = await source.resolveBase({ repository, ref: 'main' });
    const commit = await commitFiles(repository, { a: '1' });
    const after = await source.resolveBase({ repository, ref: 'main' });
    expect(after).toMatchObject({ commit, repositoryKey: before.repositoryKey });
    expect(after.bundle.digest).not.toBe(before.bundle.digest);
  });
});

describe('a clear refusal for', () => {
  test('a path that does not exist', async () => {
    const { source } = await createWorkbench();
    await expect(source.resolveBase({ repository: '/no/such/path', ref: 'HEAD' })).rejects.toMatchObject({
      ...unusable,
      message: expect.stringContaining('/no/such/path does not exist') as unknown,
    });
  });

  test('a folder that is no repository, and a file', async () => {
    const { source } = await createWorkbench();
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), 'x');
    for (const repository of [folder, join(folder, 'file')]) {
      await expect(source.resolveBase({ repository, ref: 'HEAD' })).rejects.toThrow('is not a git repository');
    }
  });

  test('an empty repository', async () => {
    const folder = await temporaryFolder();
    await plainGit(folder, 'init', '--quiet');
    const { source } = await createWorkbench();
    for (const ref of ['HEAD', 'main'])
      await expect(source.resolveBase({ repository: folder, ref })).rejects.toThrow('is empty');
  });

  test('a repository with SHA-256 ids', async () => {
    const folder = await temporaryFolder();
    await plainGit(folder, 'init', '--quiet', '--object-format=sha256');
    const { source } = await createWorkbench();
    await expect(source.resolveBase({ repository: folder, ref: 'HEAD' })).rejects.toThrow('SHA-256');
  });

  test('a base that is too large, however small it is packed', async () => {
    const repository = await createRepository({ zeros: Buffer.alloc(3_000_000) });
    const { artifacts, folder } = await createWorkbench();
    const source = createSource({ directory: join(folder, 'small'), artifacts, maxTreeBytes: 2_000_000 });
    await expect(source.resolveBase({ repository, ref: 'HEAD' })).rejects.toMatchObject({
      ...unusable,
      message: expect.stringContaining('too large: 3000000 bytes') as unknown,
    });
    expect(await readdir(join(folder, 'small'))).toEqual(['bundles']);
  });

  test('a repository with missing objects', async () => {
    const repository = await createRepository({ a: '1' });
    const blob = await plainGit(repository, 'rev-parse', 'HEAD:a');
    await chmod(join(repository, '.git', 'objects', blob.slice(0, 2), blob.slice(2)), 0o644);
    await rename(join(repository, '.git', 'objects', blob.slice(0, 2), blob.slice(2)), join(repository, 'taken'));
    const { source } = await createWorkbench();
    await expect(source.resolveBase({ repository, ref: 'HEAD' })).rejects.toMatchObject(unusable);
  });

  test('a worktree whose repository is gone', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'wt'));
    await writeFile(join(folder, 'wt', '.git'), `gitdir: ${folder}/gone\n`);
    const { source } = await createWorkbench();
    await expect(source.resolveBase({ repository: join(folder, 'wt'), ref: 'HEAD' })).rejects.toMatchObject(unusable);
  });

  test.each([
    'https://user:password@example.com/x',
    'https://token@example.com/x.git',
    'http://example.com/x.git',
    'git://example.com/x.git',
    'ext::sh -c id',
    'ftp://example.com/x',
    'file://host/x',
    'ssh://-oProxyCommand=id/x',
    'https://',
    'https://example.com',
    'https://exa mple.com/x',
    '/a\nb',
  ])('the location %j', async (repository) => {
    const { source } = await createWorkbench();
    const error: unknown = await source.resolveBase({ repository, ref: 'HEAD' }).catch((failure: unknown) => failure);
    expect(error).toMatchObject(badInput);
    expect(String(error)).not.toMatch(/password|token@/);
  });
});

test('the activity says that it is alive for as long as the port takes', async () => {
  const slow = Promise.withResolvers<Base>();
  const { resolveBase } = createSourceActivities({ source: { resolveBase: () => slow.promise } });
  const environment = new MockActivityEnvironment({ heartbeatTimeoutMs: 30 });
  const beat = new Promise((resolve) => environment.once('heartbeat', resolve));
  const running = environment.run(resolveBase, { repository: '/repository', ref: 'main' });
  await beat;
  slow.resolve({ commit: 'the answer' } as Base);
  expect(await running).toEqual({ commit: 'the answer' });
});

test('a repository that is repacked while it is read stays whole', { timeout: 60_000 }, async () => {
  const repository = await createRepository();
  const { source, repositories } = await createWorkbench();
  const repacking = new Promise((resolve) =>
    execFile('sh', ['-c', 'for i in 1 2 3 4 5 6; do git repack -adq; done'], { cwd: repository }, resolve),
  );
  for (let n = 0; n < 5; n++) {
    await commitFiles(repository, { [`file-${n}`]: `${n}` });
    const trusted = await repositories.open(await source.resolveBase({ repository, ref: 'main' }));
    expect((await trusted.entries()).size).toBe(n + 2);
  }
  await repacking;
});
