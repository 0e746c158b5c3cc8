/**
 * Hostile patches: what a person's amendment or a compromised host may hand in. Each is refused, or it is nothing but a
 * change of the tree that `changes` shows as it is; none writes, runs or reads anything of the host.
 */
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkOut, createRepository, openBase, plainGit, temporaryFolder } from '../helpers/repositories.ts';

const repositoryFiles = { 'a.txt': 'one\n', 'dir/b.txt': 'two\n', bin: Buffer.from([0, 1, 2]) };
const refused = { type: 'Patch.Unusable', nonRetryable: true };

const newFile = (path: string, mode = '100644', line = 'evil') =>
  `diff --git a/${path} b/${path}\nnew file mode ${mode}\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+${line}\n`;
const newLink = (path: string, target: string) =>
  `diff --git a/${path} b/${path}\nnew file mode 120000\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+${target}\n\\ No newline at end of file\n`;
const changed = (path: string, extra = '') =>
  `diff --git a/${path} b/${path}\n${extra}--- a/${path}\n+++ b/${path}\n@@ -1 +1 @@\n-one\n+evil\n`;

/** git's base 85, in lines of a binary patch. */
function binaryLines(bytes: Buffer): string {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~';
  const deflated = deflateSync(bytes);
  let text = '';
  for (let at = 0; at < deflated.length; at += 52) {
    const line = deflated.subarray(at, at + 52);
    text += line.length <= 26 ? String.fromCharCode(64 + line.length) : String.fromCharCode(70 + line.length);
    for (let n = 0; n < line.length; n += 4) {
      let value = Buffer.concat([line.subarray(n, n + 4), Buffer.alloc(4)]).readUInt32BE();
      let word = '';
      for (let digit = 0; digit < 5; digit++) {
        word = (digits[value % 85] ?? '') + word;
        value = Math.floor(value / 85);
      }
      text += word;
    }
    text += '\n';
  }
  return text;
}

/** A length as a git delta has it. */
function deltaLength(length: number): Buffer {
  const bytes: number[] = [];
  for (let rest = length; ; rest = Math.floor(rest / 128)) {
    bytes.push((rest % 128) + (rest >= 128 ? 128 : 0));
    if (rest < 128) return Buffer.from(bytes);
  }
}

describe('refused', () => {
  const patches: Record<string, string> = {
    'a path that climbs': newFile('../outside'),
    'a path that climbs in the middle': newFile('dir/../../outside'),
    'an absolute path':
      'diff --git a//tmp/x b//tmp/x\nnew file mode 100644\n--- /dev/null\n+++ /tmp/x\n@@ -0,0 +1 @@\n+evil\n',
    'a path into .git': newFile('.git/hooks/post-checkout'),
    'a path into .GIT': newFile('.GIT/config'),
    'a path into .git of a folder': newFile('dir/.git/config'),
    'a path into .git with an ignorable character': newFile('".gi\\342\\200\\214t/config"')
      .replace('a/".gi', '"a/.gi')
      .replace('b/".gi', '"b/.gi'),
    'a path into git~1': newFile('git~1/config'),
    'a path with an empty part': newFile('dir//x'),
    'a file through a link of the same patch': newLink('link', '/tmp') + newFile('link/x'),
    'a file through a link of the same patch, the other way round': newFile('link/x') + newLink('link', '/tmp'),
    'a file where a folder is': newFile('dir'),
    'a folder where a file is': newFile('a.txt/x'),
    'a file that is there already': newFile('a.txt'),
    'a change of what is not there': changed('none'),
    'a rename from outside': 'diff --git a/../x b/x\nsimilarity index 100%\nrename from ../x\nrename to x\n',
    'a copy of a file of .git':
      'diff --git a/.git/config b/x\nsimilarity index 100%\ncopy from .git/config\ncopy to x\n',
    'a binary part without its ids': 'diff --git a/bin b/bin\nGIT binary patch\nliteral 3\nKcmZQz00001\n\n',
    'a binary part on other bytes than the base has': `diff --git a/bin b/bin\nindex ${'1'.repeat(40)}..${'2'.repeat(40)} 100644\nGIT binary patch\nliteral 3\n${binaryLines(Buffer.from('abc'))}\nliteral 3\n${binaryLines(Buffer.from('abc'))}\n`,
    'the mode of a folder': newFile('x', '040000'),
    'the mode of a folder on its index line': changed('a.txt', `index ${'0'.repeat(40)}..${'1'.repeat(40)} 040000\n`),
    'a setuid mode': newFile('x', '104755'),
    'a mode for all': newFile('x', '100777'),
    'an old mode of no file': changed('a.txt', 'old mode 000000\nnew mode 100755\n'),
    'a mode that is no number': newFile('x', 'rwxrwxrwx'),
    'a tree as a file': changed('a.txt', 'old mode 100644\nnew mode 040000\n'),
    nothing: '',
    text: 'please apply\n',
    'a part that ends early': changed('a.txt').slice(0, -6),
  };

  test.each(Object.keys(patches))('%s', async (name) => {
    const { trusted } = await openBase(await createRepository(repositoryFiles));
    await expect(trusted.applyDiff(Buffer.from(patches[name] ?? ''))).rejects.toMatchObject(refused);
  });

  test('a binary part that asks for 64 GiB', async () => {
    const { trusted } = await openBase(await createRepository(repositoryFiles));
    const zeros = '0'.repeat(40);
    const patch = `diff --git a/x b/x\nnew file mode 100644\nindex ${zeros}..${'1'.repeat(40)}\nGIT binary patch\nliteral ${64 * 1024 ** 3}\n${binaryLines(Buffer.alloc(100))}\nliteral 0\nHcmV?d00001\n\n`;
    await expect(trusted.applyDiff(Buffer.from(patch))).rejects.toMatchObject(refused);
  });

  test('a delta that asks for 64 GiB', async () => {
    const repository = await createRepository(repositoryFiles);
    const { trusted } = await openBase(repository);
    const old = await plainGit(repository, 'rev-parse', 'HEAD:bin');
    const delta = Buffer.concat([deltaLength(3), deltaLength(64 * 1024 ** 3), Buffer.alloc(0)]);
    const part = `delta ${delta.length}\n${binaryLines(delta)}\n`;
    const patch = `diff --git a/bin b/bin\nindex ${old}..${'1'.repeat(40)} 100644\nGIT binary patch\n${part}${part}`;
    const error: unknown = await trusted.applyDiff(Buffer.from(patch)).catch((failure: unknown) => failure);
    expect(error).toMatchObject(refused);
    // Not refused for another reason before memory was asked for.
    expect(String(error)).toMatch(/attempting to allocate/i);
  });

  test('a patch larger than any', async () => {
    const { trusted } = await openBase(await createRepository(repositoryFiles));
    const patch = Buffer.alloc(256 * 1024 * 1024 + 1, '\n');
    await expect(trusted.applyDiff(patch)).rejects.toThrow('at most 268435456 are taken');
  });
});

describe('taken, and shown as it is', () => {
  const shown = async (patch: string) => {
    const { trusted } = await openBase(await createRepository(repositoryFiles));
    const tree = await trusted.applyDiff(Buffer.from(patch));
    const files = await trusted.changes(tree);
    // What people see is written anew from the tree, so nothing in a patch's own text can hide another part.
    expect(await trusted.applyDiff(await trusted.diff(tree))).toBe(tree);
    return files.map(({ path, newMode }) => `${newMode} ${path}`);
  };

  test.each<[string, string, string[]]>([
    [
      'a part with another name on its last line becomes a move',
      changed('a.txt').replace('+++ b/a.txt', '+++ b/dir/b.txt'),
      ['000000 a.txt', '100644 dir/b.txt'],
    ],
    ['text that looks like a mode', newFile('x', '100644', 'new mode 104755'), ['100644 x']],
    ['a link to the host', newLink('x', '/etc/shadow'), ['120000 x']],
    [
      'a submodule',
      `diff --git a/sub b/sub\nnew file mode 160000\n--- /dev/null\n+++ b/sub\n@@ -0,0 +1 @@\n+Subproject commit ${'e'.repeat(40)}\n`,
      ['160000 sub'],
    ],
    ['submodule settings', newFile('.gitmodules'), ['100644 .gitmodules']],
    ['attributes', newFile('.gitattributes', '100644', '* -diff filter=x'), ['100644 .gitattributes']],
    ['a workflow', newFile('.github/workflows/x.yml'), ['100644 .github/workflows/x.yml']],
    ['a second part behind text', `${changed('a.txt')}\n-- \nthe end\n\n${newFile('x')}`, ['100644 a.txt', '100644 x']],
    ['a part before text', `From: me\n\n${newFile('x')}\nhello\n`, ['100644 x']],
    ['a name with a newline', newFile('"x\\ny"').replaceAll(/([ab])\/"x/g, '"$1/x'), ['100644 x\ny']],
    [
      'a file that became a link',
      `diff --git a/a.txt b/a.txt\ndeleted file mode 100644\n--- a/a.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n${newLink('a.txt', '/etc')}`,
      ['120000 a.txt'],
    ],
  ])('%s', async (_what, patch, expected) => {
    expect(await shown(patch)).toEqual(expected);
  });
});

test('a name that is not UTF-8 applies nowhere that could judge it', async () => {
  const { trusted } = await openBase(await createRepository(repositoryFiles));
  const tree = await trusted.applyDiff(Buffer.from(newFile('"x\\377"').replaceAll(/([ab])\/"x/g, '"$1/x')));
  await expect(trusted.changes(tree)).rejects.toMatchObject(refused);
});

test('a checkout of a hostile patch stays in its folder', async () => {
  const { trusted } = await openBase(await createRepository(repositoryFiles));
  const folder = await temporaryFolder();
  const outside = join(folder, 'outside');
  await writeFile(outside, 'before');
  await expect(checkOut(trusted, Buffer.from(newLink('link', folder) + newFile('link/outside')))).rejects.toMatchObject(
    refused,
  );
  await checkOut(trusted, Buffer.from(newLink('link', outside)));
  expect(await readFile(outside, 'utf8')).toBe('before');
  expect(await readdir(folder)).toEqual(['outside']);
});

test('attributes that a patch brings run nothing and convert nothing when it is checked out', async () => {
  const content = 'one $Id$\n';
  const { trusted } = await openBase(await createRepository({ 'a.txt': content }));
  const marker = join(await temporaryFolder(), 'marker');
  // No repository of ours has a filter; a machine may have one that every git on it knows.
  await plainGit(trusted.gitDir, 'config', 'filter.x.smudge', `touch ${marker}; cat`);
  const attributes = '* filter=x text eol=crlf ident working-tree-encoding=UTF-16';
  const patch = Buffer.from(newFile('.gitattributes', '100644', attributes));
  const checkedOut = async () => readFile(join(await checkOut(trusted, patch), 'a.txt'), 'utf8');
  expect(await checkedOut()).toBe(content);
  await expect(stat(marker)).rejects.toThrow('ENOENT');
  // The filter is one that would have run, and the conversions ones that would have been made.
  await rm(join(trusted.gitDir, 'info', 'attributes'));
  expect(await checkedOut()).not.toBe(content);
  await expect(stat(marker)).resolves.toBeDefined();
});

test('any bytes are refused or make a tree, and never more than that', { timeout: 60_000 }, async () => {
  const { trusted, workbench } = await openBase(await createRepository(repositoryFiles));
  const parts = [
    changed('a.txt'),
    newFile('x'),
    newLink('l', 'a.txt'),
    newFile('../y'),
    '---\n',
    '+',
    '-',
    '@@ -1,9 +1,9 @@\n',
    'GIT binary patch\n',
    'rename from a.txt\n',
    'new mode 104755\n',
  ];
  const piece = fc.oneof(fc.constantFrom(...parts), fc.string({ unit: 'binary', maxLength: 10 }));
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (pieces) => {
      const result = await trusted.applyDiff(Buffer.from(pieces.join(''))).catch((error: unknown) => error);
      if (typeof result === 'string') expect(result).toMatch(/^[0-9a-f]{40}$/);
      else expect(result).toMatchObject(refused);
    }),
    { numRuns: 60 },
  );
  expect((await readdir(workbench.folder)).sort()).toEqual(['artifacts', 'bases', 'source']);
});
