// What a WebSocket or an event source has said so far, and waiting for more of it with a bound.

export const PATIENCE_MS = 15_000;

export class Listener {
  heard = [];
  #waiting = new Set();

  hear(one) {
    this.heard.push(one);
    for (const look of this.#waiting) look();
  }

  /** Resolves with everything heard, once that `isEnough`. */
  until(isEnough, patienceMs = PATIENCE_MS) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => end(reject, new Error(`heard only ${JSON.stringify(this.heard)}`)), patienceMs);
      const end = (settle, value) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        settle(value);
      };
      const look = () => isEnough(this.heard) && end(resolve, this.heard);
      this.#waiting.add(look);
      look();
    });
  }

  /** The first that `fits`, of what was heard and of what comes. */
  async one(fits) {
    return (await this.until((heard) => heard.some(fits))).find(fits);
  }
}
