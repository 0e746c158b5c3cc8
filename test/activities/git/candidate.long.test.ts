import { execFile } from 'node:child_process';
import { appendFile, chmod, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCandidate, writeCandidate } from '../../../activities/ports/git/candidate.ts';
import type { CandidateInput } from '../../../activities/ports/git/candidate.ts';
import { deriveChange } from '../../../activities/ports/git/derive.ts';
import { checkOut, createRepository, openBase, plainGit, temporaryFolder } from '../../helpers/repositories.ts';
import { limits } from './limits.ts';

const createdAt = '2026-03-04T05:06:07.890Z';
const job = `sha256:${'ab'.repeat(32)}` as const;
const baseCommit = 'c'.repeat(40);
const input = (more: Partial<CandidateInput> = {}): CandidateInput => ({
  diff: Buffer.from('diff --git a/a b/a\n'),
  goal: 'Fix it',
  sessionId: 'ses-1',
  job,
  baseCommit,
  createdAt,
  ...more,
});

/** Changes a checkout of `repository`, derives it, and takes the candidate into a fresh clone with plain `git am`. */
async function throughGitAm(repository: string, goal: string, change: (worktree: string) => Promise<void>) {
  const { base, trusted } = await openBase(repository);
  const worktree = await checkOut(trusted);
  await change(worktree);
  const { tree, diff, findings } = await deriveChange(worktree, trusted, limits);
  if (diff === null) throw new Error(`Expected a change: ${JSON.stringify(findings)}`);
  const bytes = writeCandidate(input({ diff, goal, baseCommit: base.commit }));
  const clone = join(await temporaryFolder(), 'clone');
  await plainGit('/', 'clone', '--quiet', repository, clone);
  await am(clone, bytes);
  return { bytes, tree, clone, amTree: await plainGit(clone, 'rev-parse', 'HEAD^{tree}') };
}

function am(clone: string, bytes: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = execFile('git', ['am'], { cwd: clone, env: amEnvironment }, (error, _stdout, stderr) => {
    if (error) reject(new Error(`git am: ${stderr}`, { cause: error }));
    else resolve();
  });
  child.stdin?.end(bytes);
  return promise;
}

const amEnvironment = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_COMMITTER_NAME: 'Me',
  GIT_COMMITTER_EMAIL: 'me@example.com',
};
const messageOf = (clone: string) => plainGit(clone, 'log', '-1', '--format=%B');
const trailersOf = `AAS-Session: ses-1\nAAS-Job: ${job}`;

describe('the file', () => {
  test('is the same bytes for the same input, and reads as it looks', () => {
    const bytes = writeCandidate(input());
    expect(writeCandidate(input())).toEqual(bytes);
    expect(bytes.toString().split('\n').slice(0, 9)).toEqual([
      'From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001',
      'From: AAS <aas@localhost>',
      'Date: Wed, 04 Mar 2026 05:06:07 +0000',
      'Subject: [PATCH] Fix it',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=UTF-8',
      'Content-Transfer-Encoding: base64',
      `X-AAS-Base: ${baseCommit}`,
      '',
    ]);
  });

  test('reads back as what was written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.string({ unit: 'binary', maxLength: 200 }), (diff, goal) => {
        const read = readCandidate(writeCandidate(input({ diff, goal })));
        expect(read.diff).toEqual(Buffer.from(diff));
        expect(read).toMatchObject({ sessionId: 'ses-1', job, baseCommit, createdAt: '2026-03-04T05:06:07.000Z' });
        expect(read.message).toBe(`${read.subject}\n\n${trailersOf}\n`);
      }),
    );
  });

  test('read and written again, it is the same file', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'grapheme', maxLength: 100 }), (diff, goal) => {
        const bytes = writeCandidate(input({ diff, goal }));
        const read = readCandidate(bytes);
        expect(writeCandidate({ ...read, goal: read.subject })).toEqual(bytes);
      }),
    );
  });

  test('and for goals whose letters come together once what is invisible between them is gone', () => {
    const piece = fc.constantFrom(
      'e',
      'o',
      'A',
      '\u00ad',
      '\u200d',
      '\u2060',
      '\u0301',
      '\u0308',
      ' ',
      '[',
      ']',
      're:',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 90 }), (pieces) => {
        const bytes = writeCandidate(input({ diff: Buffer.from('x'), goal: pieces.join('') }));
        expect(readCandidate(bytes).diff.toString()).toBe('x');
      }),
      { examples: [[['e', '\u00ad', '\u0301']]] },
    );
  });

  test('with any one byte changed, added or missing reads as something else or not at all', () => {
    const bytes = writeCandidate(input({ goal: 'Grüße' }));
    const original = readCandidate(bytes);
    const readOrNull = (changed: Buffer) => {
      try {
        return readCandidate(changed);
      } catch {
        return null;
      }
    };
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      const cut = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
      const longer = Buffer.concat([bytes.subarray(0, at), Buffer.from('\n'), bytes.subarray(at)]);
      for (const changed of [flipped, cut, longer])
        if (!changed.equals(bytes)) expect(readOrNull(changed)).not.toEqual(original);
    }
  });

  test.each([
    ['a second header', (text: string) => text.replace('MIME-Version', 'Subject: other\nMIME-Version')],
    ['another sender', (text: string) => text.replace('aas@localhost', 'you@localhost')],
    ['carriage returns', (text: string) => text.replaceAll('\n', '\r\n')],
    ['a body that is not base64', (text: string) => text.replace('Encoding: base64', 'Encoding: 8bit')],
    ['text after the end', (text: string) => `${text}\nFrom 0 Mon\n`],
    ['spaces in the base64', (text: string) => text.replace(/(.)\n$/, ' $1\n')],
    ['a date of another form', (text: string) => text.replace('Wed, 04 Mar', 'Wed,  4 Mar')],
    ['a subject that would have been cleaned', (text: string) => text.replace('Fix it', 'Re: Fix it')],
    ['an encoded subject where plain would do', (text: string) => text.replace('Fix it', '=?UTF-8?B?Rml4IGl0?=')],
  ])('%s is refused', (_what, change) => {
    const text = writeCandidate(input()).toString();
    expect(change(text)).not.toBe(text);
    expect(() => readCandidate(Buffer.from(change(text)))).toThrow('The candidate cannot be used');
  });

  test.each([
    { sessionId: 'a\nb' },
    { sessionId: '' },
    { job: 'sha256:x' as const },
    { baseCommit: 'HEAD' },
    { createdAt: 'today' },
  ])('is not written with %o', (more) => {
    expect(() => writeCandidate(input(more))).toThrow('The candidate cannot be used');
  });
});

const hostileGoals = [
  'Fix it\n\ndiff --git a/evil b/evil\nnew file mode 100644\n--- /dev/null\n+++ b/evil\n@@ -0,0 +1 @@\n+evil\n',
  '---\ndiff --git a/evil b/evil',
  'From: Eve <eve@example.com>\n\nhello',
  'x\nFrom: Eve <eve@example.com>\nSubject: other',
  'x\r\nContent-Transfer-Encoding: 8bit\r\n\r\n',
  '[PATCH] [urgent] Re: re: [x] do it',
  '[ never closed',
  ': : Re:[a]: b',
  '-- >8 --\nnew message',
  'x\n\nSigned-off-by: Eve <eve@example.com>',
  'x\nFrom 0000 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] y\n',
  '=?UTF-8?Q?evil=0ASubject:_x?=',
  '\u202egnp.exe\u2066 \u200b\ufeff\u0000\u001b[2J',
  'Grüße an alle, und zwar in einem sehr langen Satz, der nicht in ein einziges Wort passt, 日本語も 😀😀😀',
  'é'.normalize('NFD').repeat(60),
  'long '.repeat(10_000),
  '\ud800 lone',
  '#comment',
  '\u00a0\u2028\u2029 \t',
  '"quoted" <angle> (comment) \\ %s $(x) `y`',
];

test.each(hostileGoals)(
  'goal %#: plain git am makes the approved tree, our message and our date of it',
  async (goal) => {
    const repository = await createRepository();
    const result = await throughGitAm(repository, goal, (worktree) =>
      appendFile(join(worktree, 'readme.md'), 'more\n'),
    );
    const { subject, message } = readCandidate(result.bytes);
    expect(result.amTree).toBe(result.tree);
    expect(await messageOf(result.clone)).toBe(message.trimEnd());
    expect(message).toBe(`${subject}\n\n${trailersOf}\n`);
    expect([...subject].length).toBeLessThanOrEqual(72);
    expect(subject).not.toMatch(/\p{C}/u);
    expect(await plainGit(result.clone, 'log', '-1', '--format=%an <%ae> %aI')).toBe(
      'AAS <aas@localhost> 2026-03-04T05:06:07+00:00',
    );
    expect(await plainGit(result.clone, 'rev-list', '--count', 'HEAD')).toBe('2');
  },
);

test('any goal: the commit is the approved tree, one line and two trailers', { timeout: 60_000 }, async () => {
  const repository = await createRepository();
  const { base, trusted } = await openBase(repository);
  const worktree = await checkOut(trusted);
  await appendFile(join(worktree, 'readme.md'), 'more\n');
  const { tree, diff } = await deriveChange(worktree, trusted, limits);
  const clone = join(await temporaryFolder(), 'clone');
  await plainGit('/', 'clone', '--quiet', repository, clone);
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('\n', '\r', '---', 'diff --git', '[', ']', 'Re:', '=?', '?=', 'From ', ':', '#'),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
      const bytes = writeCandidate(
        input({ diff: diff ?? Buffer.alloc(0), goal: pieces.join(''), baseCommit: base.commit }),
      );
      await plainGit(clone, 'reset', '--quiet', '--hard', base.commit);
      await am(clone, bytes);
      expect(await plainGit(clone, 'log', '-1', '--format=%T%n%B')).toBe(
        `${tree}\n${readCandidate(bytes).message.trimEnd()}`,
      );
    }),
    { numRuns: 40 },
  );
});

describe('plain git am makes the approved tree', () => {
  const original = {
    'crlf.txt': 'one\r\ntwo\r\n',
    'gone.txt': 'gone\n',
    'run.sh': '#!/bin/sh\n',
    'bin.dat': Buffer.from([0, 1, 2, 255]),
    'moved.txt': 'a\nb\nc\nd\ne\n',
    link: { link: 'crlf.txt' },
    empty: '',
    'dir/file': 'x\n',
  };
  const contents: Record<string, string | Buffer> = {
    CRLF: 'a\r\nb\r\n',
    'mixed line ends': 'a\r\nb\nc\r',
    'carriage returns only': 'a\rb\rc',
    'no newline at the end': 'a\nb',
    'a NUL': 'a\0b\n',
    'a NUL beyond where git looks for one': `${'x\n'.repeat(10_000)}\0\n`,
    'latin-1': Buffer.from([0x67, 0x72, 0xfc, 0xdf, 0x65, 0x0a]),
    'lines that look like a mail': 'From me Mon Sep 17\nFrom: x\n-- \nSubject: [PATCH] y\n\n---\n>From x\n.\n',
    'lines that look like a diff': 'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-- \n++ x\nIndex: z\n',
    nothing: '',
    'every byte': Buffer.from(Array.from({ length: 256 }, (_, n) => n)),
    'one very long line': 'x'.repeat(100_000),
    'trailing white space': 'a \t\n \n\n\n',
  };

  test.each(Object.keys(contents))('of a file with %s', async (what) => {
    const repository = await createRepository(original);
    const content = contents[what] ?? '';
    const result = await throughGitAm(repository, what, async (worktree) => {
      await writeFile(join(worktree, 'new file'), content);
      await writeFile(join(worktree, 'crlf.txt'), content);
    });
    expect(result.amTree).toBe(result.tree);
    expect(await plainGit(result.clone, 'rev-parse', 'HEAD:new file')).toBe(
      await plainGit(result.clone, 'hash-object', '--no-filters', 'new file'),
    );
  });

  const changes: Record<string, (worktree: string) => Promise<void>> = {
    'a deletion': (worktree) => rm(join(worktree, 'gone.txt')),
    'a mode': (worktree) => chmod(join(worktree, 'run.sh'), 0o755),
    'a mode with content': async (worktree) => {
      await writeFile(join(worktree, 'run.sh'), '#!/bin/sh\ntrue\n');
      await chmod(join(worktree, 'run.sh'), 0o755);
    },
    'a rename': (worktree) => rename(join(worktree, 'moved.txt'), join(worktree, 'dir', 'moved here.txt')),
    'a changed link': async (worktree) => {
      await rm(join(worktree, 'link'));
      await symlink('dir/file', join(worktree, 'link'));
    },
    'a link that became a file': async (worktree) => {
      await rm(join(worktree, 'link'));
      await writeFile(join(worktree, 'link'), 'file\n');
    },
    'a folder that became a file': async (worktree) => {
      await rm(join(worktree, 'dir'), { recursive: true });
      await writeFile(join(worktree, 'dir'), 'file\n');
    },
    'a file that became a folder': async (worktree) => {
      await rm(join(worktree, 'empty'));
      await mkdir(join(worktree, 'empty'));
      await writeFile(join(worktree, 'empty', 'x'), 'x');
    },
    'a changed binary': (worktree) => writeFile(join(worktree, 'bin.dat'), Buffer.from([0, 9, 8, 7])),
    'an emptied file': (worktree) => writeFile(join(worktree, 'crlf.txt'), ''),
    'odd names': async (worktree) => {
      for (const name of [
        'with space',
        'quote"d',
        "apo'strophe",
        'back\\slash',
        'ümläut',
        '日本',
        '-dash',
        'a;b$(c)`d`',
        '*glob?',
        '#hash',
        'dir/ lead',
      ]) {
        await mkdir(dirname(join(worktree, name)), { recursive: true });
        await writeFile(join(worktree, name), `${name}\n`);
      }
    },
    'a file named like a diff header': (worktree) => writeFile(join(worktree, 'b b'), 'x\n'),
  };

  test.each(Object.keys(changes))('of %s', async (what) => {
    const result = await throughGitAm(await createRepository(original), what, async (worktree) =>
      changes[what]?.(worktree),
    );
    expect(result.amTree).toBe(result.tree);
  });

  test('of any contents', { timeout: 60_000 }, async () => {
    const repository = await createRepository(original);
    const line = fc.oneof(
      fc.constantFrom(
        '',
        '-- ',
        '---',
        'From a',
        '\r',
        'diff --git a/a b/a',
        '+++',
        '@@ -1 +1 @@',
        '\\ No newline at end of file',
        '\t ',
      ),
      fc.string({ unit: 'binary', maxLength: 20 }),
    );
    const content = fc.oneof(
      fc
        .tuple(fc.array(line), fc.constantFrom('\n', '\r\n', '\r'), fc.boolean())
        .map(([lines, end, last]) => lines.join(end) + (last ? end : '')),
      fc.uint8Array({ maxLength: 300 }),
    );
    await fc.assert(
      fc.asyncProperty(content, content, async (changed, added) => {
        const result = await throughGitAm(repository, 'x', async (worktree) => {
          await writeFile(join(worktree, 'crlf.txt'), changed);
          await writeFile(join(worktree, 'added'), added);
        });
        expect(result.amTree).toBe(result.tree);
      }),
      { numRuns: 30 },
    );
  });
});

test('a CRLF file stays one after git am', async () => {
  const repository = await createRepository({ 'a.txt': 'one\r\n' });
  const result = await throughGitAm(repository, 'x', (worktree) => appendFile(join(worktree, 'a.txt'), 'two\r\n'));
  expect(await readFile(join(result.clone, 'a.txt'), 'utf8')).toBe('one\r\ntwo\r\n');
});
