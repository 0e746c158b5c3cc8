/** Brings the sandbox image into an engine. usage: node scripts/import-image.ts ENGINE ARCHIVE */
import { ensureSandboxImage } from '../workers/stack/sandbox-image.ts';

const [host, file] = process.argv.slice(2);
if (host === undefined || file === undefined) throw new Error('usage: node scripts/import-image.ts ENGINE ARCHIVE');
await ensureSandboxImage(host, file);
