/** What differs between two trees, as records. */
import type { ChangedFile, Oid } from '../../../temporal/contract/messages.ts';
import { failures } from '../../../temporal/contract/messages.ts';
import { refusal } from '../../failures.ts';
import type { GitCall } from './git.ts';
import { git } from './git.ts';
import { shownPath, textOf } from './names.ts';
import { readSizes } from './objects.ts';

const statuses = { A: 'added', M: 'modified', D: 'deleted', T: 'type_changed' } as const;
const submoduleMode = '160000';

/** Files that differ, sorted by path. Rejects `Patch.Unusable` for a path that is not UTF-8: it could not be judged. */
export async function readChanges(base: Oid, tree: Oid, call: GitCall): Promise<ChangedFile[]> {
  const options = ['-r', '-z', '--raw', '--numstat', '--no-renames', '--ignore-submodules=none', '--no-ext-diff'];
  const output = await git(['diff-tree', ...options, base, tree], call);
  const { raw, binary } = parse(output.toString('latin1'));
  const sized = raw.filter((file) => file.status !== 'deleted' && file.newMode !== submoduleMode);
  const sizes = await readSizes(
    sized.map(({ newOid }) => newOid),
    call,
  );
  const bytesOf = new Map(sized.map((file, n) => [file.path, sizes[n] ?? 0]));
  return raw
    .map((file) => ({
      ...file,
      path: readable(file.path),
      bytes: bytesOf.get(file.path) ?? 0,
      binary: binary.has(file.path),
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

type RawFile = Omit<ChangedFile, 'bytes' | 'binary'>;

/** `:<modes> <ids> <status>`, path, ... and then `<added>\t<removed>\t<path>`, ..., all ended by NUL. */
function parse(output: string): { readonly raw: RawFile[]; readonly binary: ReadonlySet<string> } {
  const raw: RawFile[] = [];
  const binary = new Set<string>();
  const tokens = output.split('\0');
  for (let n = 0; n < tokens.length - 1; n++) {
    const token = tokens[n] ?? '';
    if (!token.startsWith(':')) {
      if (token.startsWith('-\t-\t')) binary.add(token.slice(4));
      continue;
    }
    const [oldMode = '', newMode = '', oldOid = '', newOid = '', letter = ''] = token.slice(1).split(' ');
    const status = Object.entries(statuses).find(([known]) => known === letter)?.[1];
    if (status === undefined) throw refusal(failures.patchUnusable, `git reports a change of unknown kind: ${letter}`);
    raw.push({ path: tokens[++n] ?? '', status, oldMode, newMode, oldOid, newOid });
  }
  return { raw, binary };
}

function readable(path: string): string {
  const text = textOf(path);
  if (text === null)
    throw refusal(failures.patchUnusable, `The path ${shownPath(path)} is not UTF-8; rename it to change it`);
  return text;
}
