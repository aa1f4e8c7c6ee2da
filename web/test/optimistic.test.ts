import { describe, expect, test } from "vitest";
import {
  alreadyDone,
  overlay,
  PATIENCE_MS,
  settled,
  type Pending,
} from "../src/live/optimistic.ts";
import { aWorker } from "./worker.ts";

const start: Pending = { action: "start", baseRev: 5, since: 1000 };

describe("a wish", () => {
  test("is drawn over the server's state without touching it", () => {
    const stopped = aWorker("a", { rev: 5, state: "stopped" });
    expect(overlay(stopped, start).state).toBe("starting");
    expect(stopped.state).toBe("stopped");
  });

  test("is gone after a rollback: the row is what the server said", () => {
    const stopped = aWorker("a", { rev: 5, state: "stopped" });
    expect(overlay(stopped, undefined)).toBe(stopped);
  });

  test("to refresh does not change the state", () => {
    const running = aWorker("a");
    expect(overlay(running, { ...start, action: "refresh" })).toBe(running);
  });

  test("stays while the server has said nothing new", () => {
    expect(settled(aWorker("a", { rev: 5, want: { power: "on" } }), start, 2000)).toBe(false);
  });

  test("stays over news that is about something else", () => {
    const other = aWorker("a", { rev: 6, state: "stopped", want: { power: "off" } });
    expect(settled(other, start, 2000)).toBe(false);
  });

  test("ends when the server wants the same", () => {
    const taken = aWorker("a", { rev: 6, state: "stopped", want: { power: "on" } });
    expect(settled(taken, start, 2000)).toBe(true);
  });

  test("ends when the server's operation is under way", () => {
    const operation = {
      id: "o",
      kind: "start_worker",
      state: "running",
      steps: null,
      reason: null,
      started_at: null,
    };
    const taken = aWorker("a", { rev: 6, state: "stopped", want: null, operation });
    expect(settled(taken, start, 2000)).toBe(true);
  });

  test("ends when patience is over, whatever was said", () => {
    const silent = aWorker("a", { rev: 5, state: "stopped", want: { power: "off" } });
    expect(settled(silent, start, 1000 + PATIENCE_MS + 1)).toBe(true);
  });
});

describe("an answer", () => {
  test.each([
    [{ id: "o", kind: "start", state: "succeeded" }, true],
    [{ id: "o", kind: "start", state: "running" }, false],
    [{ operation: { id: "o", state: "queued" } }, false],
    [{ outcome: "already_so", operation: null }, true],
    [{ outcome: "under_way", operation: null }, false],
    [{ operation: null }, true],
    [null, false],
    ["text", false],
  ])("%j says that nothing is to be done: %s", (body, expected) => {
    expect(alreadyDone(body)).toBe(expected);
  });
});
