import { chown, lstat, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  checkOut,
  commitFiles,
  createRepository,
  openBase,
  plainGit,
  temporaryFolder,
} from '../../helpers/repositories.ts';
import type { FileSpec } from '../../helpers/repositories.ts';

const hard: Record<string, FileSpec> = {
  '.gitattributes':
    '* text=auto eol=crlf ident\n*.big filter=lfs diff=lfs\n*.utf16 working-tree-encoding=UTF-16\nv export-subst\n*.x export-ignore\n',
  'lf.txt': 'a\nb\n',
  'crlf.txt': 'a\r\nb\r\n',
  'ident.txt': '$Id$ $Format:%H$\n',
  v: '$Format:%H$',
  'gone.x': 'x',
  'a.big': 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n',
  'a.utf16': 'not utf-16\n',
  run: { content: '#!/bin/sh\n', mode: 0o755 },
  link: { link: '../outside' },
  'dir/deep/er/file': 'x',
  empty: '',
  'with space': '1',
  'quote"d\'': '2',
  'new\nline': '3',
  'ta\tb': '4',
  'ümläut-日本': '5',
  'back\\slash': '6',
  '-dash': '7',
  ':colon': '8',
};

test('a checkout holds exactly the bytes, modes and links of the base', async () => {
  const { base, trusted } = await openBase(await createRepository(hard));
  const folder = await checkOut(trusted);
  for (const [path, spec] of Object.entries(hard)) {
    const file = join(folder, path);
    if (typeof spec === 'string') expect((await readFile(file)).toString()).toBe(spec);
    else if ('link' in spec) expect(await readlink(file)).toBe(spec.link);
    else if ('mode' in spec) expect((await lstat(file)).mode & 0o111).toBe(0o111 & spec.mode);
  }
  expect(await readdir(folder)).toHaveLength(Object.keys(hard).length + 1);
  expect((await lstat(join(folder, 'lf.txt'))).mode & 0o111).toBe(0);
  await plainGit(folder, '-c', 'core.protectNTFS=false', 'add', '--all');
  expect(await plainGit(folder, 'write-tree')).toBe(base.tree);
});

test('a name that is not UTF-8 is checked out as it is', async () => {
  const repository = await createRepository();
  const name = Buffer.from([0x66, 0xfc, 0x72]);
  await writeFile(Buffer.concat([Buffer.from(`${repository}/`), name]), 'x');
  await commitFiles(repository, {});
  const folder = await checkOut((await openBase(repository)).trusted);
  expect((await readdir(folder, { encoding: 'buffer' })).some((found) => found.equals(name))).toBe(true);
});

test('its own git shows one clean commit, the real one, and lets an agent work', async () => {
  const repository = await createRepository(hard);
  const head = await commitFiles(repository, { 'lf.txt': 'a\nb\nc\n' }, 'the base');
  const { trusted } = await openBase(repository);
  const folder = await checkOut(trusted);
  expect(await plainGit(folder, 'log', '--format=%H %s')).toBe(`${head} the base`);
  expect(await plainGit(folder, 'status', '--porcelain')).toBe('');
  expect(await plainGit(folder, 'remote')).toBe('');
  expect((await readdir(join(folder, '.git'))).includes('hooks')).toBe(false);
  await writeFile(join(folder, 'lf.txt'), 'changed\n');
  expect(await plainGit(folder, 'diff', '--stat')).toContain('lf.txt');
  await plainGit(folder, 'commit', '--quiet', '--all', '-m', 'mine');
  await plainGit(folder, 'fsck');
});

test('its .git needs nothing outside of the worktree', async () => {
  const { trusted, workbench } = await openBase(await createRepository(hard));
  const folder = await checkOut(trusted);
  const text = await plainGit('/', 'grep', '--no-index', '-l', '-e', workbench.folder, '--', folder).catch(() => '');
  expect(text).toBe('');
  for (const entry of await readdir(join(folder, '.git'), { recursive: true, withFileTypes: true })) {
    expect(entry.isFile() || entry.isDirectory()).toBe(true);
    if (entry.isFile()) expect((await lstat(join(entry.parentPath, entry.name))).nlink).toBe(1);
  }
});

test('a change on the base is checked out as not committed', async () => {
  const { trusted } = await openBase(await createRepository({ a: '1\n', b: '2\n' }));
  const first = await checkOut(trusted);
  await writeFile(join(first, 'a'), 'changed\n');
  await writeFile(join(first, 'c'), 'new\n');
  await plainGit(first, 'add', '--all');
  const diff = Buffer.from(`${await plainGit(first, 'diff', '--cached', '--binary', '--full-index')}\n`);
  const second = await checkOut(trusted, diff);
  expect(await readFile(join(second, 'a'), 'utf8')).toBe('changed\n');
  expect(await plainGit(second, 'status', '--porcelain')).toBe('M a\n?? c');
  expect(await plainGit(second, 'rev-parse', 'HEAD')).toBe(trusted.commit);
});

test('a submodule is an empty folder', async () => {
  const repository = await createRepository();
  const commit = await plainGit(repository, 'rev-parse', 'HEAD');
  await plainGit(repository, 'update-index', '--add', '--cacheinfo', `160000,${commit},sub`);
  await plainGit(repository, 'commit', '--quiet', '-m', 'submodule');
  const folder = await checkOut((await openBase(repository)).trusted);
  expect(await readdir(join(folder, 'sub'))).toEqual([]);
});

test('a folder that is not empty is refused, the lost+found of a new file system is none', async () => {
  const { trusted } = await openBase(await createRepository());
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'lost+found'));
  const options = { diff: null, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  await trusted.checkout(folder, options);
  await expect(trusted.checkout(folder, options)).rejects.toMatchObject({ type: 'Input.Bad' });
});

test.runIf(process.getuid?.() === 0)('everything belongs to the user of the sandbox', async () => {
  const { trusted } = await openBase(await createRepository(hard));
  const folder = await temporaryFolder();
  await chown(folder, 0, 0);
  await trusted.checkout(folder, { diff: null, uid: 10_123, gid: 10_124 });
  const entries = await readdir(folder, { recursive: true });
  expect(entries.length).toBeGreaterThan(Object.keys(hard).length);
  for (const path of ['.', ...entries])
    expect(await lstat(join(folder, path))).toMatchObject({ uid: 10_123, gid: 10_124 });
});
