/** The `Subject:` header: plain where it is ASCII, RFC 2047 encoded words where it is not. */

/** Bytes of one encoded word's text, so that the word stays within RFC 2047's 75 characters. */
const maxWordBytes = 42;

export function encodeHeader(text: string): string {
  const plain = /^[ -~]*$/.test(text) && !text.includes('=?');
  if (plain) return text;
  const words: string[] = [];
  let word = '';
  for (const character of text) {
    if (Buffer.byteLength(word + character) > maxWordBytes) {
      words.push(word);
      word = '';
    }
    word += character;
  }
  // White space between two encoded words is no part of the text.
  return [...words, word].map((part) => `=?UTF-8?B?${Buffer.from(part).toString('base64')}?=`).join('\n ');
}

/** Undoes `encodeHeader`. Whether it was one of ours is found out by writing it again. */
export function decodeHeader(text: string): string {
  if (!text.startsWith('=?UTF-8?B?')) return text;
  const words = text.split('\n ').map((word) => word.slice('=?UTF-8?B?'.length, -'?='.length));
  return words.map((word) => Buffer.from(word, 'base64').toString('utf8')).join('');
}
