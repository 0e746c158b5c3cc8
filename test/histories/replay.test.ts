import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime, bundleWorkflowCode } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { waysToRecord } from '../../scripts/record-histories.ts';
import { workflowsPath } from '../../temporal/bundle.ts';
import { replay } from '../../workers/replay.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
const read = (name: string) => readFile(`${folder}${name}`, 'utf8');

let workflowBundle: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
});

/** A session that was started before a code change goes on after it. */
describe('recorded sessions replay on today’s workflow code', () => {
  test.each(names)('%s', async (name) => {
    await replay(JSON.parse(await read(name)), workflowBundle);
  });

  test('there is one for each way a session can end', () => {
    expect(names.length).toBeGreaterThanOrEqual(10);
  });

  test('a history of other code is noticed', async () => {
    const other = (await read('promoted.json')).replaceAll('"runRound"', '"runSomething"');
    await expect(replay(JSON.parse(other), workflowBundle)).rejects.toThrow(/TMPRL1100/);
  });
});

describe('recording', () => {
  const chosen = (asked: string[], recorded: string[]) =>
    waysToRecord(asked, (name) => recorded.includes(`${name}.json`)).map(([name]) => name);

  test('leaves every history that is there alone', () => {
    expect(chosen([], names)).toEqual([]);
    expect(
      chosen(
        [],
        names.filter((name) => name !== 'expired.json'),
      ),
    ).toEqual(['expired']);
  });

  test('writes over the named ones, and names those there are when a name is wrong', () => {
    expect(chosen(['promoted', 'expired'], names)).toEqual(['promoted', 'expired']);
    expect(() => chosen(['promotd'], names)).toThrow(/no way promotd to record\. One of: promoted, /);
  });
});
