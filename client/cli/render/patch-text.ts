/**
 * What a patch says. A candidate is a mail as `git am` takes it, with its body in base64 (so that CRLF survives); a
 * person wants to read the body.
 */
export function patchText(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  const end = text.indexOf('\n\n');
  if (end === -1 || !/^Content-Transfer-Encoding: base64$/im.test(text.slice(0, end))) return text;
  const body = Buffer.from(text.slice(end + 2), 'base64').toString('utf8');
  const subject = /^Subject: .*(?:\n[ \t].*)*/m.exec(text.slice(0, end))?.[0] ?? '';
  return `${subject}\n\n${body}`;
}
