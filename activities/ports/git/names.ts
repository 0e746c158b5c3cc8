/**
 * Paths as git has them: bytes. Inside, a path is a string with one character (U+0000 to U+00FF) per byte, so that every
 * name has exactly one key; it becomes text at the edges.
 */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a byte path, or null when it is not valid UTF-8. */
export function textOf(path: string): string | null {
  try {
    return decoder.decode(Buffer.from(path, 'latin1'));
  } catch {
    return null;
  }
}

export const bytePath = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** A byte path for people, whatever it holds: control, bidi and broken characters are spelled out. */
export function shownPath(path: string): string {
  const text =
    textOf(path) ?? path.replaceAll(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return text
    .replaceAll(
      /\p{C}/gu,
      (character) => `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`,
    )
    .slice(0, 300);
}

/** A byte path in a folder on disk. */
export const diskPath = (root: string, path: string): Buffer =>
  path === '' ? Buffer.from(root) : Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);
