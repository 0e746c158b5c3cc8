/** The room borders of the house, proved by crossing each of them on purpose. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../temporal/config.ts';

const { root } = loadConfig();

/** A file in each room that others reach for. */
const doors = {
  contract: 'temporal/contract/job.ts',
  messages: 'temporal/contract/messages.ts',
  temporal: 'temporal/config.ts',
  policies: 'policies/judge.ts',
  workflows: 'workflows/story.ts',
  artifacts: 'artifacts/keep.ts',
  store: 'store/rows.ts',
  activities: 'activities/work.ts',
  workers: 'workers/start.ts',
  client: 'client/ask.ts',
  skills: 'skills/know.ts',
  test: 'test/helper.ts',
  scripts: 'scripts/tool.ts',
} as const;
type Door = keyof typeof doors;

/** Who may take values from whom, and who only types: written down a second time, from DESIGN.md section 5. */
const borders: Record<Exclude<Door, 'messages' | 'test' | 'scripts'>, { values: Door[]; types?: Door[] }> = {
  contract: { values: ['messages'] },
  temporal: { values: ['contract', 'messages'] },
  policies: { values: ['contract', 'messages'] },
  workflows: { values: ['messages'], types: ['activities', 'policies'] },
  artifacts: { values: ['contract', 'messages'] },
  store: { values: ['contract', 'messages'] },
  activities: { values: ['contract', 'messages', 'policies', 'store', 'artifacts'], types: ['workflows'] },
  workers: {
    values: [
      ...(['contract', 'messages', 'temporal', 'policies', 'workflows', 'artifacts', 'store'] as const),
      ...(['activities', 'skills'] as const),
    ],
  },
  client: {
    values: ['contract', 'messages', 'temporal', 'store', 'policies', 'artifacts'],
    types: ['workflows'],
  },
  skills: { values: [] },
};

/** Crossings that are no matter of rooms: [rule, file, its text]. */
const others: readonly [string, string, string][] = [
  ['messages-are-plain', 'temporal/contract/messages.ts', "import { z } from 'zod'; export const messages = z;"],
  [
    'workflows-are-deterministic',
    'workflows/node.ts',
    "import { readFile } from 'node:fs/promises'; export const x = readFile;",
  ],
  ['workflows-are-deterministic', 'workflows/library.ts', "import { z } from 'zod'; export const x = z;"],
  ['workflows-are-deterministic', 'workflows/later.ts', "export const x = () => import('node:fs');"],
  ['judges-are-pure', 'policies/node.ts', "import { readFile } from 'node:fs/promises'; export const x = readFile;"],
  [
    'one-door-to-temporal',
    'client/api/direct.ts',
    "import { Client } from '@temporalio/client'; export const x = Client;",
  ],
  ['no-cycle', 'store/one.ts', "import { two } from './two.ts'; export const one = () => two;"],
  ['resolvable', 'store/nowhere.ts', "import { x } from './missing.ts'; export const y = x;"],
];

/** Looks like a crossing and is none; of a cycle only one half is named. */
const allowed: readonly [string, string][] = [
  ['store/two.ts', "import { one } from './one.ts'; export const two = () => one;"],
  ['store/a.ts', "import { b } from './b.ts'; export type A = number; export const a = b;"],
  ['store/b.ts', "import type { A } from './a.ts'; export const b: A = 1;"],
  ['workflows/sdk.ts', "import { sleep } from '@temporalio/workflow'; export const x = sleep;"],
  ['policies/library.ts', "import picomatch from 'picomatch'; export const x = picomatch;"],
  ['client/operations/door.ts', "import { Client } from '@temporalio/client'; export const x = Client;"],
];

let house: string;
/** `<file> <rule>` of every violation. */
let found: Set<string>;

function write(file: string, text: string): void {
  mkdirSync(dirname(join(house, file)), { recursive: true });
  writeFileSync(join(house, file), `${text}\n`);
}

const crossing = (from: string, to: string, kind: 'value' | 'type') =>
  `${dirname(doors[from as Door])}/${from}-takes-${kind}-of-${to}.ts`;

beforeAll(async () => {
  house = mkdtempSync(join(tmpdir(), 'rooms-'));
  cpSync(join(root, '.dependency-cruiser.cjs'), join(house, '.dependency-cruiser.cjs'));
  cpSync(join(root, 'tsconfig.json'), join(house, 'tsconfig.json'));
  writeFileSync(join(house, 'package.json'), '{"type":"module"}');
  symlinkSync(join(root, 'node_modules'), join(house, 'node_modules'));

  for (const [name, file] of Object.entries(doors)) write(file, `export const ${name} = 1; export type T = string;`);
  for (const from of Object.keys(borders)) {
    for (const [to, file] of Object.entries(doors)) {
      const path = '../'.repeat(dirname(doors[from as Door]).split('/').length) + file;
      write(crossing(from, to, 'value'), `import { ${to} } from '${path}'; export const x = ${to};`);
      write(crossing(from, to, 'type'), `import type { T } from '${path}'; export type U = T;`);
    }
  }
  for (const [, file, text] of others) write(file, text);
  for (const [file, text] of allowed) write(file, text);

  const depcruise = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruiser.mjs');
  const rooms = [...new Set(Object.values(doors).map((file) => file.split('/')[0] ?? ''))];
  const outcome = promisify(execFile)(process.execPath, [depcruise, '--output-type', 'json', ...rooms], {
    cwd: house,
    maxBuffer: 64 << 20,
  });
  // It ends with the number of violations.
  const { stdout } = await outcome.catch((error: { stdout: string }) => error);
  const { summary } = JSON.parse(stdout) as { summary: { violations: { from: string; rule: { name: string } }[] } };
  found = new Set(summary.violations.map(({ from, rule }) => `${from} ${rule.name}`));
}, 60_000);
afterAll(() => rmSync(house, { recursive: true, force: true }));

const refused = (file: string) => [...found].some((each) => each.startsWith(`${file} `));

describe.each(Object.entries(borders))('%s/', (from, { values, types = [] }) => {
  test.each(Object.keys(doors).filter((to) => to !== from) as Door[])('and %s/', (to) => {
    const verdicts = { value: refused(crossing(from, to, 'value')), type: refused(crossing(from, to, 'type')) };
    const mayValue = values.includes(to);
    expect(verdicts).toEqual({ value: !mayValue, type: !mayValue && !types.includes(to) });
  });
});

test.each(others)('%s catches %s', (rule, file) => {
  expect(found).toContain(`${file} ${rule}`);
});

test.each(allowed)('%s is allowed', (file) => {
  expect([...found].filter((each) => each.startsWith(`${file} `))).toEqual([]);
});
