/**
 * The server's time as seen from here. Countdowns follow the server's clock, because the browser's
 * may be wrong, and because a simulated fleet's clock may run faster than ours.
 */

interface Sighting {
  server: number;
  local: number;
}

/** Below this the two clocks count as the same. */
const TOLERANCE_MS = 5_000;
const WINDOW = 30;
/** Further back than any event is late. */
const REWIND_MS = 300_000;

export class ServerClock {
  #seen: Sighting[] = [];

  /**
   * An event told at `server` arrived at `local` (both in ms since the epoch). Only for events that
   * are never replayed: the others may be old.
   */
  observe(server: number, local: number): void {
    if (!Number.isFinite(server)) return;
    const newest = this.#seen.at(-1);
    if (newest !== undefined && server <= newest.server) {
      // Events overtake each other a little; far back means that another clock was started.
      if (newest.server - server > REWIND_MS) this.#seen = [{ server, local }];
      return;
    }
    this.#seen = [...this.#seen.slice(1 - WINDOW), { server, local }];
  }

  /** Starts anew, for another server or another simulation. */
  reset(): void {
    this.#seen = [];
  }

  now(local: number): number {
    const first = this.#seen[0];
    const last = this.#seen.at(-1);
    if (first === undefined || last === undefined) return local;
    const rate = this.#rate(first, last);
    if (rate === 1) {
      // Events arrive late, never early: the largest difference is nearest to the truth.
      const offset = Math.max(...this.#seen.map((s) => s.server - s.local));
      return Math.abs(offset) < TOLERANCE_MS ? local : local + offset;
    }
    return last.server + (local - last.local) * rate;
  }

  #rate(first: Sighting, last: Sighting): number {
    const span = last.local - first.local;
    if (span < 5_000) return 1;
    const rate = (last.server - first.server) / span;
    // Late arrivals alone can look a little fast; a simulation is faster than that.
    return rate > 3 ? rate : 1;
  }
}
