/** A process of its own for the test of keys that are made at once: `create-keys.ts <directory>`. */
import { createKeys } from '../../artifacts/keys.ts';

createKeys(process.argv[2] ?? '');
