/** Names that mean one thing here and another elsewhere, or that people cannot see. Byte paths, as in names.ts. */
import { textOf } from './names.ts';

/** Characters that HFS+ leaves out when it compares names; most of them also reorder or hide text. */
const invisible = /[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]/gu;
const control = /\p{Cc}/u;

/** Whether some file system takes this component for `.git`: by case, ignorable characters, endings, streams, short names. */
export function isGitName(component: string): boolean {
  const name = (textOf(component) ?? component).replaceAll(invisible, '').split(':')[0] ?? '';
  return /^(?:\.git|git~\d+)$/i.test(name.replace(/[. ]+$/, ''));
}

/** Why a new path is refused, or null. */
export function whyHostile(path: string, maxPathBytes: number): string | null {
  if (path.length > maxPathBytes) return `is longer than ${maxPathBytes} bytes`;
  if (path.split('/').some(isGitName)) return "is taken for git's own folder on some systems";
  const text = textOf(path);
  if (text === null) return 'is not valid UTF-8';
  if (control.test(text)) return 'holds control characters';
  if (text.search(invisible) !== -1) return 'holds characters that are invisible or change the direction of text';
  return null;
}

/**
 * New paths that another path of the tree is taken for where case or Unicode form does not count, with that other path.
 * Two that the base has already are no concern.
 */
export function collisions(added: readonly string[], all: Iterable<string>, onBase: (prefix: string) => boolean) {
  const byFold = new Map<string, string[]>();
  for (const prefix of new Set([...all].flatMap(prefixesOf))) {
    const fold = foldOf(prefix);
    byFold.set(fold, [...(byFold.get(fold) ?? []), prefix]);
  }
  return added.flatMap((path) => {
    for (const prefix of prefixesOf(path)) {
      const other = onBase(prefix) ? undefined : byFold.get(foldOf(prefix))?.find((name) => name !== prefix);
      if (other !== undefined) return [{ path, other }];
    }
    return [];
  });
}

function foldOf(path: string): string {
  const text = textOf(path) ?? path;
  return text.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
}

/** The path itself and every folder above it. */
export function prefixesOf(path: string): string[] {
  const prefixes = [path];
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
    prefixes.push(path.slice(0, end));
  return prefixes;
}
