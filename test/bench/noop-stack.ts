/** A stack whose hands do nothing: what is left is orchestration. */
import { fileURLToPath } from 'node:url';
import type { Config } from '../../temporal/config.ts';
import type { ProcessSpec } from '../../workers/stack/node-process.ts';
import { processTable } from '../../workers/stack/process-table.ts';
import type { Places } from '../../workers/stack/process-table.ts';

const control = fileURLToPath(new URL('./noop/control.ts', import.meta.url));
const steps = fileURLToPath(new URL('./noop/steps.ts', import.meta.url));

/** The api as it is, control with real records and signatures, and one process for all other queues. */
export function noopTable(config: Config, places: Places): ProcessSpec[] {
  return processTable(config, places).flatMap((spec): ProcessSpec[] => {
    if (spec.name === 'api') return [spec];
    if (spec.name === 'control') return [{ ...spec, main: [control] }];
    if (spec.name === 'promote') return [{ ...spec, name: 'steps', main: [steps] }];
    return [];
  });
}
