import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Connection, waitFor, type Link } from "../src/live/connection.ts";
import type { SseMessage } from "../src/live/sse.ts";

/** A server made of streams that a test feeds and ends by hand. */
class Server {
  asked: string[] = [];
  answer: "stream" | "refuse" | 401 | 503 = "stream";
  #open: ReadableStreamDefaultController<Uint8Array> | null = null;

  fetch = async (address: string, { signal }: { signal: AbortSignal }): Promise<Response> => {
    this.asked.push(address);
    if (this.answer === "refuse") throw new TypeError("refused");
    if (this.answer !== "stream") {
      return new Response(null, { status: this.answer, headers: { "Retry-After": "7" } });
    }
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#open = controller;
        signal.addEventListener("abort", () => controller.error(new Error("aborted")));
      },
    });
    return new Response(body, { status: 200 });
  };

  async send(text: string): Promise<void> {
    this.#open?.enqueue(new TextEncoder().encode(text));
    await vi.advanceTimersByTimeAsync(1);
  }

  async cut(): Promise<void> {
    this.#open?.error(new Error("cut"));
    await vi.advanceTimersByTimeAsync(1);
  }
}

let server: Server;
let links: Link["state"][];
let messages: SseMessage[];
let connection: Connection;

beforeEach(async () => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  server = new Server();
  links = [];
  messages = [];
  vi.stubGlobal("fetch", server.fetch);
  connection = new Connection({
    message: (message) => messages.push(message),
    link: (link) => links.push(link.state),
    heard: () => {},
  });
});

afterEach(() => {
  connection.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

async function start(): Promise<void> {
  connection.start();
  await vi.advanceTimersByTimeAsync(1);
}

describe("the connection", () => {
  test("is live once something was heard, and passes messages on", async () => {
    await start();
    expect(links).toEqual(["connecting"]);
    await server.send("id: 5\n\ndata: x\n\n");
    expect(links).toEqual(["connecting", "live"]);
    expect(messages).toEqual([{ event: "message", data: "x", id: "5" }]);
  });

  test("resumes from the last id when what it has is whole", async () => {
    await start();
    await server.send("id: 5\n\n");
    connection.whole(true);
    await server.cut();
    expect(links.at(-1)).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.asked.at(-1)).toBe("/api/v1/events?last_event_id=5");
  });

  test("starts over when it was cut before a snapshot was whole", async () => {
    await start();
    await server.send("id: 5\n\n");
    await server.cut();
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.asked).toEqual(["/api/v1/events", "/api/v1/events"]);
  });

  test("takes silence for a dead stream, but not a heartbeat", async () => {
    await start();
    await server.send("id: 5\n\n");
    await vi.advanceTimersByTimeAsync(36_000);
    await server.send("id: 5\n\n");
    await vi.advanceTimersByTimeAsync(36_000);
    expect(links.at(-1)).toBe("live");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(links.at(-1)).toBe("reconnecting");
  });

  test("calls itself offline after half a minute without success", async () => {
    server.answer = "refuse";
    await start();
    expect(links.at(-1)).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(links.at(-1)).toBe("offline");
    server.answer = "stream";
    connection.hurry();
    await vi.advanceTimersByTimeAsync(1);
    await server.send("id: 5\n\n");
    expect(links.at(-1)).toBe("live");
  });

  test("waits as long as the server asks for", async () => {
    await start();
    await server.send("id: 5\n\n");
    connection.bye(8000);
    await server.cut();
    await vi.advanceTimersByTimeAsync(7_900);
    expect(server.asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(server.asked).toHaveLength(2);
  });

  test("honors Retry-After of a refusal", async () => {
    server.answer = 503;
    await start();
    await vi.advanceTimersByTimeAsync(6_900);
    expect(server.asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(server.asked).toHaveLength(2);
  });

  test("ends for good when nobody is signed in", async () => {
    server.answer = 401;
    await start();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(links.at(-1)).toBe("signed-out");
    expect(server.asked).toHaveLength(1);
  });

  test("can be hurried out of a long wait", async () => {
    server.answer = "refuse";
    await start();
    await vi.advanceTimersByTimeAsync(60_000);
    const before = server.asked.length;
    connection.hurry();
    await vi.advanceTimersByTimeAsync(1);
    expect(server.asked.length).toBe(before + 1);
  });
});

test("waits double up to half a minute, with jitter of a quarter to both sides", () => {
  expect(waitFor(0, () => 0, null)).toBe(375);
  expect(waitFor(0, () => 1, null)).toBe(625);
  expect(waitFor(3, () => 0.5, null)).toBe(4000);
  expect(waitFor(50, () => 0.5, null)).toBe(30_000);
  expect(waitFor(0, () => 0.5, 9000)).toBe(9000);
});
