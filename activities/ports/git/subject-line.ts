/** One line of a requester's text that may stand in a mail header and in a commit message. */

const maxCharacters = 72;

/**
 * The goal as a commit's subject: one line without control, bidi and invisible characters, cut at 72, and without what
 * `git am` takes off the front of a subject (`[...]`, `Re:`), so that it comes out of it as it went in.
 * Null when nothing is left.
 */
export function subjectLine(goal: string): string | null {
  const line = goal
    .toWellFormed()
    .replaceAll(/[\s\p{Zl}\p{Zp}\p{Cc}]+/gu, ' ')
    // Format, private, unassigned and lone surrogates: what cannot be seen cannot be agreed to.
    .replaceAll(/\p{C}/gu, '')
    // After what stood between a letter and its accent is gone: a line that is cleaned again must stay as it is.
    .normalize('NFC')
    .replaceAll(/ {2,}/g, ' ');
  const characters = [...unprefixed(line)];
  const cut =
    characters.length > maxCharacters ? `${characters.slice(0, maxCharacters - 3).join('')}...` : characters.join('');
  const subject = cut.trim();
  return subject === '' ? null : subject;
}

function unprefixed(line: string): string {
  const rest = line.replace(/^(?:\s|:|re:)+/i, '');
  // One round bracket in front keeps a tag readable and ends what git am would strip.
  return rest.startsWith('[') ? rest.replace('[', '(').replace(']', ')') : rest;
}
