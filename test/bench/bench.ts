/** What every section of a run has. */
import { fileURLToPath } from 'node:url';
import type { WorkingCopy } from '../helpers/example.ts';
import type { BenchEngine } from './engine.ts';
import type { Measurement } from './measurement.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Bench {
  /** The engine that all sides use. */
  readonly engine: () => Promise<BenchEngine>;
  /** A repository with a real defect. */
  readonly repository: WorkingCopy;
  /** How many samples to take: the given number, or a fifth of it in a quick run. */
  readonly samples: (count: number) => number;
  /** Tells whoever waits what is done now. */
  readonly say: (line: string) => void;
}

/** Takes some figures. What it borrows is taken back when it ends, however it does. */
export type Section = (bench: Bench, borrowed: AsyncDisposableStack) => Promise<Measurement[]>;
