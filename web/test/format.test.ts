import { describe, expect, test } from "vitest";
import {
  ago,
  brief,
  bytes,
  countdown,
  countOf,
  duration,
  percent,
  seconds,
  sentence,
  until,
  words,
} from "../src/format.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");

test.each([
  [null, "–"],
  [0, "0 s"],
  [59.6, "1 min"],
  [95, "1 min 35 s"],
  [660, "11 min"],
  [3660, "1 h 1 min"],
  [7200, "2 h"],
  [90_000, "1 d 1 h"],
])("a duration of %s is %s", (value, text) => {
  expect(duration(value)).toBe(text);
});

test.each([
  [-3, "0s"],
  [61, "1m"],
  [7300, "2h"],
  [200_000, "2d"],
])("briefly, %s is %s", (value, text) => {
  expect(brief(value)).toBe(text);
});

describe("times", () => {
  test.each([
    ["2026-03-01T11:59:58Z", "just now"],
    ["2026-03-01T11:58:25Z", "1 min 35 s ago"],
    ["2026-03-01T12:01:00Z", "in 1 min"],
    [null, "–"],
    ["nonsense", "–"],
  ])("%s was %s", (at, text) => {
    expect(ago(at, NOW)).toBe(text);
  });

  test("in the past are due now", () => {
    expect(until("2026-03-01T11:00:00Z", NOW)).toBe("due now");
    expect(until("2026-03-01T13:30:00Z", NOW)).toBe("in 1 h 30 min");
  });

  test.each([
    [-5, "0:00"],
    [65_000, "1:05"],
    [3_849_000, "1:04:09"],
    [90_000_000, "1 d 1 h"],
  ])("%i ms left are counted down as %s", (ms, text) => {
    expect(countdown(ms)).toBe(text);
  });
});

test.each([
  [90, 90],
  ["90", 90],
  ["90s", 90],
  ["5m", 300],
  ["1h30m", 5400],
  ["PT5M", 300],
  ["1d", 86_400],
  ["500ms", 0.5],
  ["often", null],
  [null, null],
])("%j is %s seconds", (value, expected) => {
  expect(seconds(value)).toBe(expected);
});

test.each([
  ["observe_instances", "Observe instances"],
  ["cml_ready", "CML ready"],
  ["DEFINED_ON_CORE", "Defined on core"],
  ["http.listen", "HTTP listen"],
  [null, "–"],
])("%s reads as %s", (name, text) => {
  expect(words(name)).toBe(text);
});

test("the server's words become a sentence with local times", () => {
  expect(sentence("the instance does not run")).toBe("The instance does not run");
  const told = sentence("idle at 2026-11-23T22:56:32.086Z; nobody used it");
  expect(told.startsWith("Idle at ")).toBe(true);
  expect(told).not.toContain("T22:");
  expect(told.endsWith("; nobody used it")).toBe(true);
  expect(sentence(null)).toBe("");
});

test("unknown numbers are a dash", () => {
  expect(percent(null)).toBe("–");
  expect(percent(Number.NaN)).toBe("–");
  expect(percent(41.6)).toBe("42 %");
  expect(bytes(undefined)).toBe("–");
  expect(bytes(512)).toBe("512 B");
  expect(bytes(1536)).toBe("1.5 KiB");
  expect(bytes(51_380_224)).toBe("49 MiB");
});

test("counts come as numbers or as the things themselves", () => {
  expect(countOf(4)).toBe(4);
  expect(countOf(["a", "b"])).toBe(2);
  expect(countOf(null)).toBeNull();
});
