/** The lint rules that hold a promise of the house, each proved by breaking it. */
import { join } from 'node:path';
import { ESLint } from 'eslint';
import { expect, test } from 'vitest';
import { loadConfig } from '../../temporal/config.ts';

const { root } = loadConfig();
const eslint = new ESLint({ cwd: root });

/** The rules that speak up when `file`, which is there, held `text` instead. */
async function rulesAgainst(file: string, text: string): Promise<string[]> {
  const results = await eslint.lintText(`${text}\n`, { filePath: join(root, file) });
  return results.flatMap(({ messages }) => messages.map(({ ruleId, message }) => ruleId ?? message));
}

const anywhere = 'temporal/free-port.ts';
const workflow = 'workflows/index.ts';

test.each([
  [anywhere, "import { exec } from 'node:child_process'; exec('ls');", 'no-restricted-imports'],
  [anywhere, "import { spawn } from 'node:child_process'; spawn('ls', { shell: true });", 'no-restricted-syntax'],
  [anywhere, "import { spawn } from 'node:child_process'; spawn('ls', { shell: '/bin/sh' });", 'no-restricted-syntax'],
  [
    'test/helpers/alive.ts',
    "import { spawn } from 'node:child_process'; spawn('ls', { shell: true });",
    'no-restricted-syntax',
  ],
  [anywhere, 'export const home = process.env.HOME;', 'no-restricted-syntax'],
  [anywhere, "export const home = process['env'];", 'no-restricted-syntax'],
  [anywhere, 'export const { env } = process;', 'no-restricted-syntax'],
  [anywhere, "import { env } from 'node:process'; export const home = env.HOME;", 'no-restricted-imports'],
  [anywhere, 'Promise.resolve(1);', '@typescript-eslint/no-floating-promises'],
  [anywhere, '[1].forEach(async () => {});', '@typescript-eslint/no-misused-promises'],
  [anywhere, 'export const x: any = 1;', '@typescript-eslint/no-explicit-any'],
  [anywhere, 'export const f = (x?: string) => x!.length;', '@typescript-eslint/no-non-null-assertion'],
  [
    anywhere,
    "import { type Server } from 'node:net'; export type S = Server;",
    '@typescript-eslint/no-import-type-side-effects',
  ],
  [
    anywhere,
    "import { Server } from 'node:net'; export type S = Server;",
    '@typescript-eslint/consistent-type-imports',
  ],
  [
    anywhere,
    "import { createServer, type Server } from 'node:net'; export const s: Server = createServer();",
    'no-restricted-syntax',
  ],
  [
    anywhere,
    "export const f = (x: 'a' | 'b') => { switch (x) { case 'a': return 1; } return 2; };",
    '@typescript-eslint/switch-exhaustiveness-check',
  ],
  [anywhere, 'export default 1;', 'no-restricted-syntax'],
  [anywhere, "export * from './config.ts';", 'no-restricted-syntax'],
  [anywhere, 'export const x: any = 1; // eslint-disable-line', '@typescript-eslint/no-explicit-any'],
  [workflow, "import { readFileSync } from 'node:fs'; export const x = readFileSync;", 'no-restricted-imports'],
  [workflow, "import { join } from 'path'; export const x = join;", 'no-restricted-imports'],
  [workflow, 'export const x = process.pid;', 'no-restricted-globals'],
])('in %s: %s', { timeout: 60_000 }, async (file, text, rule) => {
  expect(await rulesAgainst(file, text)).toContain(rule);
});

test.each([
  ['temporal/config.ts', 'export const home = process.env.HOME;'],
  ['test/helpers/alive.ts', 'export const hostile = { shell: true };'],
  ['scripts/find-engine.ts', 'export const home = process.env.HOME;'],
  [anywhere, "import { spawn } from 'node:child_process'; spawn('ls', ['-l'], { shell: false });"],
  [workflow, 'export const today = Date.now() + Math.random();'],
])('in %s nothing against: %s', { timeout: 60_000 }, async (file, text) => {
  expect(await rulesAgainst(file, text)).toEqual([]);
});
