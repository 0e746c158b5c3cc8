/**
 * A promoter in a process of its own that stops at a moment of its work and says so: `promoter.ts HOME ADDRESS MOMENT`.
 * Moments: `before-write` (it has looked up, and not written), `after-write` (written, and not answered), `never`.
 */
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { queues } from '../../../temporal/contract/messages.ts';
import type { PromotionWriter } from '../../../activities/ports/promotion-writer.ts';
import { openPromoter } from '../../helpers/evidence.ts';

const [home = '', address = '', moment = ''] = process.argv.slice(2);
const forEver = () => new Promise<never>(() => undefined);

function stoppingWriter(writer: PromotionWriter): PromotionWriter {
  return {
    ...writer,
    write: async (promotion) => {
      if (moment === 'before-write') {
        process.send?.('stopped');
        await forEver();
      }
      const written = await writer.write(promotion);
      if (moment === 'after-write') {
        process.send?.('stopped');
        await forEver();
      }
      return written;
    },
  };
}

Runtime.install({ logger: new DefaultLogger('ERROR') });
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue: queues.promote,
  activities: openPromoter(home, stoppingWriter),
});
process.once('SIGTERM', () => worker.shutdown());
process.send?.('ready');
await worker.run();
process.exit(0);
