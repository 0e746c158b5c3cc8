/** Whether a process is still there. */
import { readFileSync } from 'node:fs';

/** A zombie is gone: only its parent, which need not be us, has not looked yet. */
export function isGone(pid: number): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}
