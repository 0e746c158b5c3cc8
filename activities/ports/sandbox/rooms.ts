/**
 * How many rounds a host takes on. A round has a room from the moment the host claimed it until its run ends here; one
 * that does not come within `heldMs` (its session was cancelled, or looks for another host) loses it.
 */
export interface Rooms {
  /** Holds a room for a round; false when all are taken. Asked again for the same round, it is the same room. */
  hold(round: string): boolean;
  /** Keeps the round's room for as long as the step takes: a round that is here stays, however full it is. */
  stay<T>(round: string, step: () => Promise<T>): Promise<T>;
}

export function createRooms(count: number, heldMs: number, now: () => number = Date.now): Rooms {
  /** Until when each room is held. */
  const taken = new Map<string, number>();
  return {
    hold: (round) => {
      for (const [other, untilMs] of taken) if (untilMs <= now()) taken.delete(other);
      if (!taken.has(round) && taken.size >= count) return false;
      taken.set(round, Math.max(taken.get(round) ?? 0, now() + heldMs));
      return true;
    },
    stay: async (round, step) => {
      taken.set(round, Infinity);
      try {
        return await step();
      } finally {
        taken.delete(round);
      }
    },
  };
}
