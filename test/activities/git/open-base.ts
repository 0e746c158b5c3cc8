/** Opens a base in a process of its own: `open-base.ts <workbench> <base as JSON>`, prints the tree. */
import { join } from 'node:path';
import { createBaseRepositories } from '../../../activities/ports/git/base-repositories.ts';
import { openArtifactDirectory } from '../../../artifacts/directory-artifact-store.ts';
import type { Base } from '../../../temporal/contract/messages.ts';

const [, , folder = '', base = ''] = process.argv;
const repositories = createBaseRepositories(join(folder, 'bases'), openArtifactDirectory(join(folder, 'artifacts')));
const { tree } = await repositories.open(JSON.parse(base) as Base);
process.stdout.write(`${tree}\n`);
