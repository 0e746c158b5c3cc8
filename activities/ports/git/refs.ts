/** Which ref a person means, and which they may have meant. */
import { failures } from '../../../temporal/contract/messages.ts';
import { refusal } from '../../failures.ts';

const maxSimilar = 5;

/**
 * The full names that a branch, tag or full ref may have, the likeliest first. Throws `Input.Bad` for what is no ref name
 * (git-check-ref-format(1)): options, `main~3`, `a..b` and the like never reach git.
 */
export function refCandidates(ref: string): string[] {
  const usable =
    /^[^\0-\x20\x7f~^:?*[\\]+$/.test(ref) && !/^[-/.]|\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)|[/.]$/.test(ref) && ref !== '@';
  if (!usable)
    throw refusal(
      failures.badInput,
      `${JSON.stringify(ref.slice(0, 100))} is not a ref. Give a branch, a tag, a commit or HEAD`,
    );
  return [...(ref.startsWith('refs/') ? [ref] : []), `refs/heads/${ref}`, `refs/tags/${ref}`, `refs/remotes/${ref}`];
}

/** A commit's id, whole or at least its first seven digits. */
export const looksLikeCommit = (ref: string): boolean => /^[0-9a-f]{7,40}$/.test(ref);

/** The failure for a ref that is not there, with up to five that are close to it. */
export function unknownRef(ref: string, location: string, names: readonly string[]) {
  const known = names.map((name) => name.replace(/^refs\/(?:heads|tags|remotes)\//, ''));
  const close = [...new Set(known)]
    .map((name) => ({ name, distance: distance(ref.slice(0, 100), name.slice(0, 100)) }))
    .filter(({ name, distance: far }) => far <= Math.max(3, ref.length / 2) || name.includes(ref))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, maxSimilar)
    .map(({ name }) => name);
  const hint =
    close.length > 0 ? ` Did you mean ${close.join(', ')}?` : ' Give a branch, a tag or a commit that it has.';
  return refusal(failures.sourceUnusable, `${location} has no ref ${JSON.stringify(ref.slice(0, 255))}.${hint}`);
}

/** Levenshtein's edit distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
