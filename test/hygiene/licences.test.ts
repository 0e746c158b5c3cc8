import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isUsable, licencesOf } from '../../scripts/licences.ts';
import { loadConfig } from '../../temporal/config.ts';

test.each([
  ['MIT', true],
  ['(MIT OR GPL-3.0-only)', true],
  ['(MIT AND AGPL-3.0-only)', false],
  ['GPL-2.0-or-later', false],
  ['LGPL-3.0-only', true],
  ['UNLICENSED', false],
])('%s is usable: %s', (expression, usable) => {
  expect(isUsable(expression)).toBe(usable);
});

test('a package that names no licence is unknown, and refused', () => {
  const lock = JSON.stringify({
    packages: { '': {}, 'node_modules/a': {}, 'node_modules/@x/b/node_modules/c': { license: 'MIT' } },
  });
  expect([...licencesOf(lock)]).toEqual([
    ['UNKNOWN', ['a']],
    ['MIT', ['c']],
  ]);
  expect(isUsable('UNKNOWN')).toBe(false);
});

test('everything we depend on may be shipped with', () => {
  const lock = readFileSync(join(loadConfig().root, 'package-lock.json'), 'utf8');
  expect([...licencesOf(lock).keys()].filter((licence) => !isUsable(licence))).toEqual([]);
});
