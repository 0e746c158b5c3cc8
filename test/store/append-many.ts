/**
 * A process of its own that opens a store and appends: `append-many.ts <file> <session> <count>`. Tells when it is
 * half-way in.
 */
import { openStore } from '../../store/open-store.ts';
import { newSession, recordOf } from './fixtures.ts';

const [file = '', session = '', count = ''] = process.argv.slice(2);
const store = await openStore(file);
await store.createSession(newSession(session));
for (let n = 1; n <= Number(count); n++) {
  await store.record(recordOf(session, `${n}`, { change: { reason: `${n}` } }));
  if (n === 20) process.send?.('appending');
}
await store.close();
process.disconnect?.();
