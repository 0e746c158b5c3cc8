/** Waits for a while or until somebody rings. Nothing piles up, however long and often it waits. */
export class Bell {
  #answer: (() => void) | null = null;
  #rung = false;

  ring = (): void => {
    this.#rung = true;
    this.#answer?.();
  };

  /** Resolves after `ms`, or as soon as the bell rings; a ring that nobody waited for counts for the next wait. */
  async wait(ms: number): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#answer = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#answer = null;
    this.#rung = false;
  }
}
