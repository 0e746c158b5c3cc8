/** What must never be in the tree is planted, and has to be named. Secrets are put together here, so that none is. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inspect } from '../../scripts/hygiene.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hygiene-'));
  execFileSync('git', ['init', '--quiet', folder]);
});
afterEach(() => rmSync(folder, { recursive: true }));

function plant(file: string, text = ''): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

const finds = () => inspect(folder).map(({ file, line, what }) => `${file}:${line} ${what}`);
const letters = (count: number) => 'aB3'.repeat(count).slice(0, count);
const slash = '/';

test.each([
  '.masfactory_runtime/state.json',
  'logs/today.txt',
  'memory/notes.md',
  'store/rows.sqlite-wal',
  'tool/run.log',
  'a/__pycache__/b.cpython-311.pyc',
  '.env.local',
  'client/node_modules/x/index.js',
])('%s is a runtime artifact', (file) => {
  plant(file);
  expect(finds()).toEqual([`${file}:0 a runtime artifact`]);
});

test.each([
  ['a private key', `-----BEGIN OPENSSH PRIVATE${' '}KEY-----`],
  ['a GitHub token', `ghp${'_'}${letters(36)}`],
  ['a GitLab token', `glpat${'-'}${letters(20)}`],
  ['an AWS key', `AKIA${'A1'.repeat(8)}`],
  ['a Google key', `AIza${letters(35)}`],
  ['a Slack token', `xoxb${'-'}${letters(24)}`],
  ['a model key', `sk${'-'}ant-${letters(40)}`],
  ['an npm token', `npm${'_'}${letters(36)}`],
  ['a token of ours', `aas${'_'}0123abcd_${letters(43)}`],
  ['a signed web token', `eyJ${letters(20)}.eyJ${letters(20)}.${letters(20)}`],
  ['a password in an address', `https://me:${'secret'}@forge.acme.io/x`],
])('%s is found with its line', (what, secret) => {
  plant('docs/howto.md', `first\nkey = "${secret}"\n`);
  expect(finds()).toEqual([`docs/howto.md:2 ${what}`]);
});

test.each([
  ['home', 'jo'],
  ['Users', 'jo'],
  ['root', 'x'],
  ['work', 'main'],
])('%s/%s is a path of one machine', (top, name) => {
  plant('a.ts', `const place = '${slash}${top}${slash}${name}';\n`);
  expect(finds()).toEqual(['a.ts:1 a path of one machine']);
});

test('a registry is named where none else is, nowhere more, and a lock file holds no download address', () => {
  for (const file of ['scripts/fetch-package.py', 'fetch-package.py']) plant(file, `https://${'pypi'}.org/simple\n`);
  plant('package-lock.json', `{\n  "resolved": "https://${'registry'}.npmjs.org/x.tgz"\n}\n`);
  expect(finds()).toEqual([
    'fetch-package.py:1 the host of a registry',
    'package-lock.json:2 the host of a registry',
    'package-lock.json:2 a download address in a lock file (npm: omit-lockfile-registry-resolved)',
  ]);
});

test('an action is pinned to a commit, an image to a digest', () => {
  const commit = '0123456789'.repeat(4);
  const steps = [`actions/checkout@v4`, `actions/checkout@${commit}`, './.github/actions/own', 'docker://alpine:3'];
  plant('.github/workflows/ci.yml', steps.map((step) => `      - uses: ${step}`).join('\n'));
  expect(finds()).toEqual([
    '.github/workflows/ci.yml:1 an action not pinned to a commit: actions/checkout@v4',
    '.github/workflows/ci.yml:4 an action not pinned to a commit: docker://alpine:3',
  ]);
});

test('what is ignored, binary, linked or only looks alike is left alone', () => {
  plant('.gitignore', 'node_modules/\n*.log\n');
  plant('node_modules/x/index.js');
  plant('x.log');
  plant('image.png', `\0${slash}home${slash}jo`);
  symlinkSync(join(slash, 'root', 'nothing'), join(folder, 'link'));
  plant(
    'source/logs/format.ts',
    "const home = '/home/agent';\nconst place = `${root}/work/main`;\nopen('/workspace/a');\n",
  );
  plant('.env.example', 'AAS_TOKEN=\n');
  plant('test.ts', 'fetch("https://me:secret@forge.example/x");\n');
  expect(finds()).toEqual([]);
});
