import type { Measurement } from './measurement.ts';

/** What the figures should come to. Those without an aim are there to be compared with the last run. */
export const aims: Readonly<Record<string, { readonly atMost: number } | { readonly atLeast: number }>> = {
  'session.real.c1.ratio_hand': { atMost: 1.2 },
  'session.real.c1.ratio_bare': { atMost: 1.1 },
  'session.real.c10.ratio_hand_throughput': { atLeast: 1 },
  'decision.to_promoted.p95': { atMost: 60 },
  'worker.ready': { atMost: 0.8 },
  'kill.step_again': { atMost: 3.5 },
  'kill.gate_late': { atMost: 1.5 },
  'setup.warm': { atMost: 3 },
};

/** Whether a figure is within its aim; null where it has none. */
export function isMet({ name, value }: Measurement): boolean | null {
  const aim = aims[name];
  if (aim === undefined) return null;
  return 'atMost' in aim ? value <= aim.atMost : value >= aim.atLeast;
}
