import { describe, expect, test } from "vitest";
import { SseParser, type SseMessage } from "../src/live/sse.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function read(text: string, parser = new SseParser()): SseMessage[] {
  return parser.push(bytes(text));
}

const EVENT = 'id: 7\nevent: worker.created\ndata: {"a":1}\n\n';

describe("the reader of the stream", () => {
  test("gives type, data and cursor", () => {
    expect(read(EVENT)).toEqual([{ event: "worker.created", data: '{"a":1}', id: "7" }]);
  });

  test("gives the same however the bytes are cut", () => {
    const text = `: hello\r\n\r\n${EVENT}id: 8\n\ndata: grüße\ndata: zwei\r\r`;
    const whole = read(text + "\n");
    const raw = bytes(text + "\n");
    for (let size = 1; size < 9; size += 1) {
      const parser = new SseParser();
      const messages: SseMessage[] = [];
      for (let i = 0; i < raw.length; i += size)
        messages.push(...parser.push(raw.slice(i, i + size)));
      expect(messages).toEqual(whole);
    }
    expect(whole.at(-1)).toEqual({ event: "message", data: "grüße\nzwei", id: "8" });
  });

  test("moves the cursor by a block that is only an id, and tells nothing", () => {
    const parser = new SseParser("3");
    expect(read("id: 4\n\n", parser)).toEqual([]);
    expect(parser.lastId).toBe("4");
  });

  test("does not move the cursor by half a block", () => {
    const parser = new SseParser("3");
    read("id: 4\ndata: half", parser);
    expect(parser.lastId).toBe("3");
  });

  test("keeps the cursor over events without an id", () => {
    const parser = new SseParser();
    read(EVENT, parser);
    expect(read("event: worker.metrics\ndata: {}\n\n", parser)[0]?.id).toBe("7");
  });

  test("hears how long to wait, and ignores nonsense", () => {
    const parser = new SseParser();
    read("retry: soon\n\nretry: 2500\n\n", parser);
    expect(parser.retryMs).toBe(2500);
  });
});
