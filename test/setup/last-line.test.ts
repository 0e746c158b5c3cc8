/** What people and CI read: the count is the last line, however a run ends. */
import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../temporal/config.ts';
import { Project } from '../helpers/project.ts';

let project: Project;
beforeEach(() => {
  project = new Project('Makefile', '.ci');
  project.useNode();
  for (const name of ['scripts/setup.sh', 'apt-get']) project.program(name, 'true');
});
afterEach(() => project.remove());

/** Both streams as one reads them on a terminal or in a log: the last line, and the exit code. */
async function lastLineOf(command: string): Promise<[string | undefined, number]> {
  const { stdout, code } = await project.run('bash', ['-c', `${command} 2>&1`]);
  return [stdout.trimEnd().split('\n').at(-1), code];
}

describe.each([
  ['make test', 2],
  ['make test-quick', 2],
  ['.ci/run', 1],
])('%s', (command, failed) => {
  test.each([
    ['every test passes', '3 passed, 0 failed', 0, '3 passed, 0 failed'],
    ['a test fails', '20 passed, 10 failed', 1, '20 passed, 10 failed'],
    ['something was left behind', '3 passed, 0 failed, 1 skipped', 1, '3 passed, 1 failed, 1 skipped'],
    ['nothing could be started', '', 1, '0 passed, 1 failed'],
  ])('%s', async (_what, counted, code, expected) => {
    project.write(
      'node_modules/vitest/vitest.mjs',
      `import { writeFileSync } from 'node:fs';
      writeFileSync(process.env.AAS_TEST_COUNT, ${JSON.stringify(counted)});
      console.error('error during close');
      process.exitCode = ${code};`,
    );
    expect(await lastLineOf(command)).toEqual([expected, code === 0 ? 0 : failed]);
  });
});

test('what a run leaves behind is counted as a failure of it', async () => {
  const { root } = loadConfig();
  symlinkSync(join(root, 'node_modules'), project.path('node_modules'));
  cpSync(join(root, 'test/helpers/count-reporter.ts'), project.path('count-reporter.ts'));
  project.write('fine.test.js', "import { test } from 'vitest'; test('fine', () => {});");
  project.write('leak.js', "export const setup = () => () => { throw new Error('something was left behind'); };");
  project.write(
    'vitest.config.js',
    "export default { cacheDir: 'cache', test: { reporters: ['./count-reporter.ts'], globalSetup: ['leak.js'] } };",
  );
  expect(await lastLineOf('scripts/test.sh')).toEqual(['1 passed, 1 failed', 1]);
});
