/**
 * Reads `text/event-stream` from chunks.
 *
 * The browser's own `EventSource` hides `id:`-only blocks, which are our heartbeats, so nobody could
 * tell a quiet stream from a dead one. Reading the bytes ourselves can.
 */

export interface SseMessage {
  event: string;
  data: string;
  /** The last id seen so far, not only this block's. */
  id: string | null;
}

export class SseParser {
  /** The cursor: the newest `id:`, also from blocks without data. */
  lastId: string | null;
  /** The newest `retry:` in milliseconds. */
  retryMs: number | null = null;

  #decoder = new TextDecoder();
  #rest = "";
  #event = "";
  #data: string[] = [];
  #id: string | null = null;

  constructor(lastId: string | null = null) {
    this.lastId = lastId;
  }

  /** Takes the next bytes and returns the messages they complete. */
  push(chunk: Uint8Array): SseMessage[] {
    const messages: SseMessage[] = [];
    this.#rest += this.#decoder.decode(chunk, { stream: true });
    for (;;) {
      const end = this.#rest.search(/[\r\n]/);
      if (end === -1) return messages;
      // A lone CR at the very end may be the first half of a CRLF.
      if (this.#rest[end] === "\r" && end === this.#rest.length - 1) return messages;
      const line = this.#rest.slice(0, end);
      const step = this.#rest.startsWith("\r\n", end) ? 2 : 1;
      this.#rest = this.#rest.slice(end + step);
      const message = this.#line(line);
      if (message) messages.push(message);
    }
  }

  #line(line: string): SseMessage | null {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null;
    const field = colon === -1 ? line : line.slice(0, colon);
    let value = colon === -1 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") this.#event = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
    return null;
  }

  #dispatch(): SseMessage | null {
    // An id counts only once its block is whole.
    if (this.#id !== null) this.lastId = this.#id === "" ? null : this.#id;
    const message =
      this.#data.length === 0
        ? null
        : { event: this.#event || "message", data: this.#data.join("\n"), id: this.lastId };
    this.#event = "";
    this.#data = [];
    this.#id = null;
    return message;
  }
}
