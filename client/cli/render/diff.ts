import type { Output } from '../output.ts';
import { safe } from './words.ts';

/** A patch for a terminal: what is added, what is taken away, and which file. */
export function renderDiff(patch: string, paint: Output['paint']): string {
  return patch
    .split('\n')
    .map((line) => {
      const shown = safe(line);
      if (/^(diff |index |--- |\+\+\+ |new file|deleted file|old mode|new mode)/.test(line))
        return paint('bold', shown);
      if (line.startsWith('@@')) return paint('cyan', shown);
      if (line.startsWith('+')) return paint('green', shown);
      return line.startsWith('-') ? paint('red', shown) : shown;
    })
    .join('\n');
}
