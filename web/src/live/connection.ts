/** Holds one event stream open: resumes where it ended, waits politely, and says honestly how it is. */
import { address } from "../api/client.ts";
import { SseParser, type SseMessage } from "./sse.ts";

export type Link =
  | { state: "connecting"; since: number }
  | { state: "live"; since: number }
  | { state: "reconnecting"; since: number }
  | { state: "offline"; since: number }
  | { state: "signed-out"; since: number };

export interface ConnectionEvents {
  message(message: SseMessage): void;
  link(link: Link): void;
  /** Bytes arrived, be it a heartbeat only. */
  heard(at: number): void;
}

/** The server's heartbeat; nothing at all for two and a half of them means a dead stream. */
const HEARTBEAT_MS = 15_000;
const SILENCE_MS = HEARTBEAT_MS * 2.5;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** A stream that lasted this long proves that the way is free. */
const STEADY_MS = 10_000;
/** After this long without a stream we stop calling it "reconnecting". */
const OFFLINE_AFTER_MS = 30_000;

/** Waits between attempts: doubling, with jitter so that a fleet of browsers does not come at once. */
export function waitFor(attempt: number, random: () => number, asked: number | null): number {
  const base = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt, 10));
  return Math.max(base, asked ?? 0) * (0.75 + random() * 0.5);
}

export class Connection {
  #out: ConnectionEvents;
  #cursor: string | null = null;
  /** Whether a whole snapshot was seen: without one there is no state to resume from. */
  #whole = false;
  #askedWaitMs: number | null = null;
  #attempt = 0;
  #run: AbortController | null = null;
  #wake: () => void = () => {};
  #downSince: number | null = null;
  #liveSince: number | null = null;

  constructor(out: ConnectionEvents) {
    this.#out = out;
  }

  get cursor(): string | null {
    return this.#cursor;
  }

  start(): void {
    if (this.#run !== null) return;
    this.#run = new AbortController();
    this.#attempt = 0;
    void this.#keep(this.#run.signal);
  }

  /** Closes the stream and keeps the cursor, so that `start` resumes. */
  stop(): void {
    this.#run?.abort();
    this.#run = null;
  }

  /** Tries at once instead of waiting out the current pause. */
  hurry(): void {
    this.#attempt = 0;
    this.#askedWaitMs = null;
    this.#wake();
  }

  /** Told by the reader of the messages: whether what it holds can be resumed from. */
  whole(yes: boolean): void {
    this.#whole = yes;
  }

  /** The server said goodbye and when to come back. */
  bye(retryMs: number | null): void {
    this.#askedWaitMs = retryMs;
  }

  /** Nobody is signed in any more; only a new sign-in helps. */
  end(): void {
    this.stop();
    this.#out.link({ state: "signed-out", since: Date.now() });
  }

  async #keep(stopped: AbortSignal): Promise<void> {
    this.#out.link({ state: "connecting", since: Date.now() });
    while (!stopped.aborted) {
      const outcome = await this.#once(stopped);
      if (stopped.aborted) return;
      if (outcome === "signed-out") return this.end();
      // A stream that ends as soon as it begins must not be asked for in a tight loop.
      if (this.#liveSince !== null && Date.now() - this.#liveSince > STEADY_MS) this.#attempt = 0;
      this.#liveSince = null;
      this.#downSince ??= Date.now();
      this.#report();
      await this.#pause(waitFor(this.#attempt++, Math.random, this.#askedWaitMs), stopped);
      this.#askedWaitMs = null;
    }
  }

  #report(): void {
    const since = this.#downSince ?? Date.now();
    const long = Date.now() - since >= OFFLINE_AFTER_MS;
    this.#out.link({ state: long ? "offline" : "reconnecting", since });
  }

  async #pause(ms: number, stopped: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      stopped.addEventListener("abort", this.#wake, { once: true });
    });
    this.#wake = () => {};
  }

  /** One stream from connect to end. */
  async #once(stopped: AbortSignal): Promise<"ended" | "signed-out"> {
    if (!this.#whole) this.#cursor = null;
    const watchdog = new AbortController();
    let timer = setTimeout(() => watchdog.abort(), SILENCE_MS);
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => watchdog.abort(), SILENCE_MS);
      this.#out.heard(Date.now());
    };
    try {
      const response = await fetch(address("/events", { last_event_id: this.#cursor }), {
        headers: { Accept: "text/event-stream" },
        cache: "no-store",
        signal: AbortSignal.any([stopped, watchdog.signal]),
      });
      if (response.status === 401) return "signed-out";
      if (!response.ok || response.body === null) {
        const after = Number(response.headers.get("Retry-After"));
        this.#askedWaitMs = after > 0 ? after * 1000 : null;
        return "ended";
      }
      await this.#read(response.body, alive);
    } catch {
      // A cut stream, a refused connect and our own watchdog all end here: the loop tries again.
    } finally {
      clearTimeout(timer);
    }
    return "ended";
  }

  async #read(body: ReadableStream<Uint8Array>, alive: () => void): Promise<void> {
    const parser = new SseParser(this.#cursor);
    const reader = body.getReader();
    let live = false;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      const messages = parser.push(value);
      this.#cursor = parser.lastId;
      // `retry:` and close is how an overloaded server says "later": that is not being live.
      if (parser.retryMs !== null) this.#askedWaitMs = parser.retryMs;
      if (!live && (messages.length > 0 || parser.lastId !== null)) {
        live = true;
        this.#liveSince = Date.now();
        this.#downSince = null;
        this.#out.link({ state: "live", since: Date.now() });
      }
      for (const message of messages) this.#out.message(message);
    }
  }
}
