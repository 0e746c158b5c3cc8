import { execFile } from 'node:child_process';
import { readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createBaseRepositories } from '../../../activities/ports/git/base-repositories.ts';
import type { Base } from '../../../temporal/contract/messages.ts';
import {
  commitFiles,
  createRepository,
  createWorkbench,
  openBase,
  plainGit,
  temporaryFolder,
} from '../../helpers/repositories.ts';

/** A bundle as plain git writes it, history and all. */
async function plainBundle(repository: string): Promise<Buffer> {
  await plainGit(repository, 'update-ref', 'refs/aas/base', 'HEAD');
  const path = join(await temporaryFolder(), 'b');
  await plainGit(repository, 'bundle', 'create', '-q', path, 'refs/aas/base');
  return readFile(path);
}

async function baseOf(repository: string, bytes: Buffer) {
  const workbench = await createWorkbench();
  const [commit = '', tree = ''] = (await plainGit(repository, 'rev-parse', 'HEAD', 'HEAD^{tree}')).split('\n');
  const bundle = await workbench.artifacts.put(bytes, 'application/x-git-bundle');
  const base: Base = { repositoryKey: 'k', repository, ref: null, commit, tree, bundle };
  return { base, workbench };
}

/** Writes an object as it is, checks off. */
async function plant(repository: string, type: string, content: Buffer | string): Promise<string> {
  const file = join(await temporaryFolder(), 'object');
  await writeFile(file, content);
  return plainGit(repository, 'hash-object', '--literally', '-w', '-t', type, file);
}

const treeEntry = (mode: string, name: string, oid: string) =>
  Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]);

describe('a base repository', () => {
  test('is built from the bundle that the source makes', async () => {
    const repository = await createRepository({ a: '1' });
    await commitFiles(repository, { a: '2', 'b/c': '3' });
    const { base, trusted } = await openBase(repository);
    expect(await plainGit(trusted.gitDir, 'rev-parse', 'refs/aas/base')).toBe(base.commit);
    expect(await plainGit(trusted.gitDir, 'ls-tree', '-r', '--name-only', base.tree)).toBe('a\nb/c');
    expect(await plainGit(trusted.gitDir, 'rev-list', '--count', base.commit)).toBe('1');
    await plainGit(trusted.gitDir, 'fsck', '--strict');
  });

  test('is built from a plain bundle with history', async () => {
    const repository = await createRepository();
    await commitFiles(repository, { a: '2' });
    const { base, workbench } = await baseOf(repository, await plainBundle(repository));
    const trusted = await workbench.repositories.open(base);
    expect((await trusted.readFile('a', 10))?.toString()).toBe('2');
  });

  test('is built once for any number of callers and processes', { timeout: 60_000 }, async () => {
    const { base, workbench } = await openBase(await createRepository());
    await rm(join(workbench.folder, 'bases'), { recursive: true });
    const script = fileURLToPath(new URL('open-base.ts', import.meta.url));
    const run = () => promisify(execFile)(process.execPath, [script, workbench.folder, JSON.stringify(base)]);
    const [first, second, ...own] = await Promise.all([
      run(),
      run(),
      ...Array.from({ length: 5 }, () => workbench.repositories.open(base)),
    ]);
    expect([first.stdout, second.stdout]).toEqual([`${base.tree}\n`, `${base.tree}\n`]);
    expect(new Set(own.map(({ gitDir }) => gitDir)).size).toBe(1);
    expect((await readdir(join(workbench.folder, 'bases'))).sort()).toEqual([
      `${base.bundle.digest.slice(7)}.git`,
      'making',
    ]);
    expect(await readdir(join(workbench.folder, 'bases', 'making'))).toEqual([]);
  });

  test('is built again when somebody removed it', async () => {
    const { base, trusted, workbench } = await openBase(await createRepository());
    await rm(trusted.gitDir, { recursive: true });
    const again = await workbench.repositories.open(base);
    expect((await again.readFile('readme.md', 100))?.toString()).toBe('hello\n');
  });

  test('goes when nobody used it for a week, others stay', async () => {
    const { base, trusted, workbench } = await openBase(await createRepository());
    const other = await createRepository({ other: 'x' });
    const old = new Date(Date.now() - 8 * 24 * 3_600_000);
    await utimes(trusted.gitDir, old, old);
    await workbench.repositories.open(await workbench.source.resolveBase({ repository: other, ref: 'HEAD' }));
    expect(await readdir(join(workbench.folder, 'bases'))).not.toContain(`${base.bundle.digest.slice(7)}.git`);
    expect((await readdir(join(workbench.folder, 'bases'))).filter((name) => name.endsWith('.git'))).toHaveLength(1);
  });
});

describe('a bundle is refused', () => {
  test.each<[string, (bytes: Buffer, commit: string) => Buffer]>([
    ['that ends early', (bytes) => bytes.subarray(0, -30)],
    ['that is no bundle', () => Buffer.from('hello')],
    ['that is empty', () => Buffer.alloc(0)],
    [
      'with another ref',
      (bytes) => Buffer.from(bytes.toString('latin1').replace('refs/aas/base', 'refs/aas/other'), 'latin1'),
    ],
    [
      'with two refs',
      (bytes, commit) =>
        Buffer.from(bytes.toString('latin1').replace('\n\n', `\n${commit} refs/heads/x\n\n`), 'latin1'),
    ],
    [
      'with a prerequisite',
      (bytes, commit) => Buffer.from(bytes.toString('latin1').replace('bundle\n', `bundle\n-${commit} x\n`), 'latin1'),
    ],
    [
      'with a changed byte in its pack',
      (bytes) => Buffer.concat([bytes.subarray(0, -40), Buffer.from([(bytes.at(-40) ?? 0) ^ 1]), bytes.subarray(-39)]),
    ],
  ])('%s', async (_what, change) => {
    const repository = await createRepository();
    const bytes = await plainBundle(repository);
    const { base, workbench } = await baseOf(
      repository,
      change(bytes, await plainGit(repository, 'rev-parse', 'HEAD')),
    );
    await expect(workbench.repositories.open(base)).rejects.toMatchObject({
      type: 'Source.Unusable',
      nonRetryable: true,
    });
    expect((await readdir(join(workbench.folder, 'bases'))).filter((name) => name.endsWith('.git'))).toEqual([]);
    expect(await readdir(join(workbench.folder, 'bases', 'making'))).toEqual([]);
  });

  test('whose commit or tree is not the one asked for, also when it is kept already', async () => {
    const { base, workbench } = await openBase(await createRepository());
    const wrongTree = { ...base, tree: 'd'.repeat(40) };
    const wrongCommit = { ...base, commit: 'd'.repeat(40) };
    for (const repositories of [
      workbench.repositories,
      createBaseRepositories(join(workbench.folder, 'others'), workbench.artifacts),
    ]) {
      await expect(repositories.open(wrongTree)).rejects.toMatchObject({ type: 'Source.Unusable' });
      await expect(repositories.open(wrongCommit)).rejects.toMatchObject({ type: 'Source.Unusable' });
    }
    await expect(workbench.repositories.open(base)).resolves.toMatchObject({ tree: base.tree });
  });

  test.each<[string, (blob: string) => Buffer]>([
    ['.git', (blob) => treeEntry('100644', '.git', blob)],
    ['.GiT', (blob) => treeEntry('100644', '.GiT', blob)],
    ['..', (blob) => treeEntry('100644', '..', blob)],
    ['a slash in a name', (blob) => treeEntry('100644', 'a/b', blob)],
    ['one name twice', (blob) => Buffer.concat([treeEntry('100644', 'a', blob), treeEntry('120000', 'a', blob)])],
    ['entries out of order', (blob) => Buffer.concat([treeEntry('100644', 'b', blob), treeEntry('100644', 'a', blob)])],
    ['.gitmodules as a symbolic link', (blob) => treeEntry('120000', '.gitmodules', blob)],
  ])('whose tree has %s', async (_what, makeTree) => {
    const repository = await createRepository();
    const tree = await plant(repository, 'tree', makeTree(await plant(repository, 'blob', 'x')));
    const commit = await plainGit(repository, 'commit-tree', tree, '-m', 'x');
    await plainGit(repository, 'update-ref', 'refs/heads/main', commit);
    const { base, workbench } = await baseOf(repository, await plainBundle(repository));
    await expect(workbench.repositories.open(base)).rejects.toMatchObject({ type: 'Source.Unusable' });
  });
});

test('what old repositories have does not stand in the way', async () => {
  const repository = await createRepository();
  const blob = await plant(repository, 'blob', 'x');
  const tree = await plant(
    repository,
    'tree',
    Buffer.concat([
      treeEntry('100664', 'a', blob),
      treeEntry('040000', 'd', await plant(repository, 'tree', treeEntry('100644', 'a', blob))),
    ]),
  );
  const commit = await plant(
    repository,
    'commit',
    `tree ${tree}\nauthor A<a> 12 +051800\ncommitter A <a@b> 0012 +0000\n\nold\n`,
  );
  await plainGit(repository, 'update-ref', 'refs/heads/main', commit);
  const { base, workbench } = await baseOf(repository, await plainBundle(repository));
  const trusted = await workbench.repositories.open(base);
  expect((await trusted.readFile('d/a', 10))?.toString()).toBe('x');
});
