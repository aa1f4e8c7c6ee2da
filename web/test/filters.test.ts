import { describe, expect, test } from "vitest";
import type { Worker } from "../src/api/types.ts";
import {
  count,
  holdOrder,
  nextSort,
  readFilters,
  select,
  type Filters,
} from "../src/pages/fleet/filters.ts";
import { aWorker } from "./worker.ts";

const filters = (query: string): Filters => readFilters(new URLSearchParams(query));
const names = (workers: readonly Worker[], query: string) =>
  select(workers, filters(query)).map((worker) => worker.id);

const FLEET = [
  aWorker("w10", { region: "eu-west-1", metrics: { cpu: 5, memory: 1, disk: 1, at: null } }),
  aWorker("w9", { state: "stopped", tags: { team: "Red" } }),
  aWorker("w2", {
    state: "starting",
    stages: [{ name: "https", state: "stuck", since: null, reason: "502" }],
    metrics: { cpu: 70, memory: 1, disk: 1, at: null },
  }),
  aWorker("w3", { state: "terminated" }),
  aWorker("w1", {
    state: "failed",
    instance_id: "i-0abc",
    addresses: { public: "203.0.113.7", private: null },
  }),
];

describe("filters", () => {
  test("read from an empty address show all but the terminated, by natural name", () => {
    expect(names(FLEET, "")).toEqual(["w1", "w2", "w9", "w10"]);
  });

  test.each([
    ["state=running", ["w10"]],
    ["state=changing", ["w2"]],
    ["state=stopped", ["w9"]],
    ["state=attention", ["w1", "w2"]],
    ["state=terminated", ["w3"]],
    ["state=failed", ["w1"]],
    ["region=eu-west-1", ["w10"]],
    ["q=team%3Dred", ["w9"]],
    ["q=203.0.113", ["w1"]],
    ["q=0ABC+failed", ["w1"]],
    ["q=0abc+stopped", []],
    ["state=stopped&region=eu-west-1", []],
  ])("%s", (query, expected) => {
    expect(names(FLEET, query)).toEqual(expected);
  });

  test("with an unknown sort fall back to the name", () => {
    expect(filters("sort=nonsense")).toMatchObject({ sort: "name", descending: false });
  });
});

describe("sorting", () => {
  test("puts unknown values last in both directions", () => {
    expect(names(FLEET, "sort=cpu")).toEqual(["w10", "w2", "w1", "w9"]);
    expect(names(FLEET, "sort=-cpu")).toEqual(["w2", "w10", "w1", "w9"]);
  });

  test("by state brings trouble to the top", () => {
    expect(names(FLEET, "sort=state")).toEqual(["w1", "w2", "w10", "w9"]);
  });

  test("a click turns the order round, and another column starts upwards", () => {
    expect(nextSort(filters(""), "name")).toBe("-name");
    expect(nextSort(filters("sort=-name"), "name")).toBeNull();
    expect(nextSort(filters(""), "cpu")).toBe("cpu");
    expect(nextSort(filters("sort=cpu"), "cpu")).toBe("-cpu");
  });

  test("does not move known rows while the pointer is on them", () => {
    expect(holdOrder(["a", "b", "c"], ["c", "d", "a"])).toEqual(["a", "c", "d"]);
  });
});

test("counts leave the terminated out of all", () => {
  expect(count(FLEET)).toEqual({
    all: 4,
    running: 1,
    changing: 1,
    stopped: 1,
    attention: 2,
    terminated: 1,
  });
});
