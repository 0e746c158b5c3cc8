/** The bare workflow's one worker, for workflow and activities alike. */
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { answerParent, childArgument } from '../child.ts';
import { shippedLimits } from '../example-job.ts';
import { createBareActivities } from './activities.ts';

export interface BareArgument {
  readonly address: string;
  readonly engineHost: string;
  readonly home: string;
}

const { address, engineHost, home } = childArgument<BareArgument>();
Runtime.install({ logger: new DefaultLogger('ERROR') });
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue: 'bare',
  workflowsPath: fileURLToPath(new URL('./workflow.ts', import.meta.url)),
  activities: await createBareActivities(home, engineHost, await shippedLimits()),
});
void worker.run();
answerParent(() => Promise.resolve());
