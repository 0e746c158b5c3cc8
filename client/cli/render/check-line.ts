import type { CheckView } from '../../../temporal/contract/messages.ts';
import { duration } from './words.ts';

export const passed = ({ verdict, exitCode }: Pick<CheckView, 'verdict' | 'exitCode'>): boolean =>
  verdict === 'exited' && exitCode === 0;

/** `test  exit 0  1.2s`, or how else it ended. */
export const checkLine = ({ name, verdict, exitCode, durationMs }: CheckView): string =>
  `${name}  ${verdict === 'exited' ? `exit ${exitCode ?? '?'}` : verdict.replaceAll('_', ' ')}  ${duration(durationMs)}`;
