/** Small things said the same everywhere. */

/** `0.4s`, `12.0s`, `3m 5s`, `2h 4m`, `3d 1h`. */
export function duration(ms: number): string {
  const s = Math.max(0, ms) / 1000;
  if (s < 60) return `${s.toFixed(1)}s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes}m ${Math.floor(s % 60)}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h ${minutes % 60}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** `812 B`, `1.2 KiB`, `3.4 MiB`, `5.6 GiB`. */
export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.min(3, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(1)} ${['B', 'KiB', 'MiB', 'GiB'][power] ?? ''}`;
}

/** Enough of a digest or commit to tell it from its neighbours. */
export const short = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);

export const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/**
 * Somebody else's text for a terminal: without the control characters that could move the cursor, hide text or answer
 * in the person's name, and without the marks that turn text around. Line breaks and tabs stay.
 */
export const safe = (text: string): string => text.replaceAll(/[^\P{C}\n\t]/gu, '\ufffd');

/** The same in one line, at most `width` characters. */
export function oneLine(text: string, width: number): string {
  const line = safe(text).replaceAll(/\s+/g, ' ').trim();
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}
