/** A process of its own for the test of concurrent puts: `put-many.ts <directory> <count>`. */
import { openArtifactDirectory } from '../../artifacts/directory-artifact-store.ts';

const [directory = '', count = ''] = process.argv.slice(2);
const store = openArtifactDirectory(directory);
for (let n = 0; n < Number(count); n++) await store.put(Buffer.from(`value ${n}`), 'text/plain');
