/** The same small piece of work for all sides: one line is mended, and the repository's own tests say so. */
import { readFile } from 'node:fs/promises';
import { parseLayer } from '../../policies/layers.ts';
import { limitsSchema } from '../../temporal/contract/policy.ts';
import type { Limits } from '../../temporal/contract/policy.ts';
import { loadConfig } from '../../temporal/config.ts';
import { exampleFix, exampleGoal } from '../helpers/example.ts';
import type { WorkingCopy } from '../helpers/example.ts';
import type { Job } from './client/sessions.ts';

export const fixArgv = ['sh', '-c', exampleFix];
/** As `.aas/policy.yaml` of the example says it. */
export const checkArgv = ['python3', '-m', 'unittest', '-q'];

export const exampleJob = ({ path }: Pick<WorkingCopy, 'path'>, argv = fixArgv): Job => ({
  repository: path,
  base: 'main',
  goal: exampleGoal,
  agent: { name: 'command', argv },
});

/** The limits that the shipped policy gives every sandbox. */
export async function shippedLimits(): Promise<Limits> {
  const layer = parseLayer(await readFile(loadConfig().policy.orgLayer, 'utf8'), 'org');
  if (!layer.ok) throw new Error(`The shipped policy does not parse: ${layer.reason}`);
  return limitsSchema.parse(layer.layer.limits);
}
