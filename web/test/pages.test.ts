import { describe, expect, test } from "vitest";
import { Problem, reasonOf } from "../src/api/client.ts";
import { cadenceChange, policyOf, readLab, readRun, readSchedule } from "../src/api/read.ts";
import type { Run, Schedule } from "../src/api/types.ts";
import { ServerClock } from "../src/live/server-clock.ts";
import { patchRuns, patchSchedules } from "../src/pages/jobs/patch.ts";
import { changedPointers, fieldsOf, setAt, settable } from "../src/pages/settings/fields.ts";
import { gistOf } from "../src/pages/worker/gist.ts";
import { faultsOf, split } from "../src/pages/system/split.ts";
import { nearest, segments, summary, timeTicks } from "../src/parts/chart-math.ts";
import { sparkPoints } from "../src/parts/meter.tsx";
import { routeOf } from "../src/router.ts";
import { rank } from "../src/shell/rank.ts";
import { difference, licenseWords } from "../src/words.ts";
import { aWorker } from "./worker.ts";

describe("addresses", () => {
  test.each([
    ["/", { page: "fleet" }],
    ["/workers", { page: "fleet" }],
    ["/workers/w%2F1", { page: "worker", id: "w/1" }],
    ["/jobs", { page: "jobs" }],
    ["/jobs/7", { page: "nowhere" }],
    ["/elsewhere", { page: "nowhere" }],
  ])("%s", (path, route) => {
    expect(routeOf(path)).toEqual(route);
  });
});

describe("problems", () => {
  const problem = new Problem(422, {
    title: "Invalid request",
    detail: "Some fields cannot be used.",
    code: "invalid",
    request_id: "r1",
    errors: [{ pointer: "/name", detail: "is taken" }, "nonsense"],
  });

  test("keep the server's words and the field they are about", () => {
    expect(problem).toMatchObject({ status: 422, code: "invalid", requestId: "r1" });
    expect(problem.about("/name")).toBe("is taken");
    expect(problem.about("/other")).toBeNull();
    expect(reasonOf(problem)).toBe("Some fields cannot be used. · name: is taken");
  });

  test("without a body still say something", () => {
    expect(reasonOf(new Problem(502, {}))).toBe("The server answered 502");
  });
});

describe("settings as a form", () => {
  const document = {
    rev: 3,
    idle: { enabled: true, timeout_s: 3600, categories: ["a", "b"] },
    region: null,
  };

  test("has a field for each value, named as the server names it, small ones first", () => {
    expect(fieldsOf(settable(document)).map((f) => [f.pointer, f.kind, f.group])).toEqual([
      ["/idle/enabled", "switch", "idle"],
      ["/idle/timeout_s", "number", "idle"],
      ["/region", "text", "general"],
      ["/idle/categories", "list", "idle"],
    ]);
  });

  test("changes a copy and knows what is changed", () => {
    const next = setAt(document, ["idle", "timeout_s"], 60);
    expect(document.idle.timeout_s).toBe(3600);
    expect(changedPointers(document, next)).toEqual(["/idle/timeout_s"]);
    expect(changedPointers(document, setAt(next, ["idle", "timeout_s"], 3600))).toEqual([]);
  });
});

describe("jobs", () => {
  const schedule = (name: string, rev: number): Schedule => ({
    name,
    rev,
    every: 60,
    jitter: null,
    enabled: true,
    next_run: null,
    last_run: null,
  });
  const run = { id: "r1", schedule: "prune", state: "running" };
  const told = (type: string, data: Record<string, unknown>) => ({ type, time: null, data });

  test("a schedule is patched by revision", () => {
    const list = [schedule("prune", 4), schedule("other", 4)];
    const next = patchSchedules(
      list,
      told("schedule.changed", { name: "prune", rev: 5, enabled: false }),
    );
    expect(next.map((s) => s.enabled)).toEqual([false, true]);
    const old = patchSchedules(
      next,
      told("schedule.changed", { name: "prune", rev: 5, enabled: true }),
    );
    expect(old[0]?.enabled).toBe(false);
  });

  test("a run becomes the last run of its schedule", () => {
    const next = patchSchedules(
      [schedule("prune", 1)],
      told("run.finished", { ...run, state: "succeeded" }),
    );
    expect(next[0]?.last_run?.state).toBe("succeeded");
  });

  test("a new run comes on top if it fits, and a known one is patched in place", () => {
    const list = [
      { id: "r0", state: "succeeded" },
      { ...run, started_at: "t" },
    ] as Run[];
    const patched = patchRuns(list, told("run.finished", { ...run, state: "failed" }), () => true);
    expect(patched[1]).toMatchObject({ id: "r1", state: "failed", started_at: "t" });
    const added = patchRuns(list, told("run.started", { id: "r2", state: "running" }), () => true);
    expect(added.map((r) => r.id)).toEqual(["r2", "r0", "r1"]);
    const unfit = patchRuns(list, told("run.started", { id: "r2" }), () => false);
    expect(unfit).toHaveLength(2);
  });
});

test("the system document falls into facts, groups and tables", () => {
  const parts = split({
    version: "1",
    backlog: { outbox: 0 },
    leaders: { scheduler: { epoch: 7 }, relay: { epoch: 8, holder: "a" } },
    parts: [{ name: "store", state: "ok" }, "bus"],
    nothing: null,
  });
  expect(parts.facts).toEqual([
    ["version", "1"],
    ["nothing", null],
  ]);
  expect(parts.groups).toEqual([["backlog", [["outbox", 0]]]]);
  expect(parts.tables.map(([name, table]) => [name, table.columns])).toEqual([
    ["leaders", ["name", "epoch", "holder"]],
    ["parts", ["name", "state"]],
  ]);
});

test("the parts of a process are named where they are not well", () => {
  const well = { name: "store", healthy: true, detail: null };
  const away = { name: "bus", healthy: false, detail: "no answer" };
  expect(faultsOf([well, well])).toEqual([]);
  expect(faultsOf([well, away])).toEqual(["bus: no answer"]);
  expect(faultsOf(["api", "relay"])).toBeNull();
});

describe("charts", () => {
  const points = (...at: number[]) => at.map((t) => ({ at: t, value: 1 }));

  test("break where samples are missing, not where they get denser", () => {
    expect(segments(points(0, 60, 120, 600, 660), 0).map((run) => run.length)).toEqual([3, 2]);
    expect(segments(points(0, 180, 360, 362, 364), 0)).toHaveLength(1);
  });

  test("break at unknown values, and not for holes too narrow to see", () => {
    const unknown = [...points(0, 1), { at: 2, value: null }, ...points(3, 4)];
    expect(segments(unknown, 0).map((run) => run.length)).toEqual([2, 2]);
    expect(segments(points(0, 1, 2, 9), 100)).toHaveLength(1);
  });

  test("have round times at the bottom, few enough to read", () => {
    const from = Date.parse("2026-01-01T10:07:00Z");
    const ticks = timeTicks(from, from + 6 * 3_600_000, 7);
    expect(ticks.length).toBeGreaterThan(3);
    expect(ticks.length).toBeLessThanOrEqual(7);
    expect(ticks.every((t) => t % 3_600_000 === 0)).toBe(true);
  });

  test("find the nearest sample and the extremes", () => {
    const list = [
      { at: 0, value: 5 },
      { at: 10, value: 1 },
      { at: 20, value: null },
    ];
    expect(nearest(list, 4)?.at).toBe(0);
    expect(nearest(list, 6)?.at).toBe(10);
    expect(nearest(list, 99)?.at).toBe(20);
    expect(nearest([], 1)).toBeNull();
    expect(summary(list)).toEqual({ last: 1, low: 1, high: 5 });
  });

  test("a sparkline ends at its right edge", () => {
    const line = sparkPoints(
      [
        { at: 0, value: 0 },
        { at: 50, value: null },
        { at: 100, value: 100 },
      ],
      100,
    );
    expect(line).toBe("0.0,17.0 56.0,1.0");
  });
});

describe("what the API says in two ways", () => {
  test("a lab knows its worker and how many of its nodes run", () => {
    const lab = readLab({ worker: "w", nodes_by_state: { BOOTED: 2, STARTED: 1, STOPPED: 4 } });
    expect(lab).toMatchObject({ worker_id: "w", running_nodes: 3 });
    expect(readLab({ worker_id: "w", action: null })).toEqual({ worker_id: "w", action: null });
  });

  test("a schedule of an event reads like one of a list, and is changed in its own words", () => {
    const slot = Date.parse("2026-03-01T12:00:00Z");
    const told = readSchedule({
      cadence: { kind: "every", seconds: 60 },
      next_at: slot,
      last: { slot, state: "succeeded", ended_at: "2026-03-01T12:00:02Z" },
    });
    expect(told).toMatchObject({
      every: 60,
      next_run: "2026-03-01T12:00:00.000Z",
      last_run: { state: "succeeded", started_at: "2026-03-01T12:00:00.000Z" },
    });
    const listed = told as unknown as Schedule;
    expect(cadenceChange(listed, 90)).toEqual({ cadence: { kind: "every", seconds: 90 } });
    expect(readSchedule({ cadence: { kind: "cron", expression: "0 8 * * *" } }).every).toBe(
      "0 8 * * *",
    );
  });

  test("a run says why it failed", () => {
    expect(readRun({ error: { code: "throttled", text: "Slow down." } }).reason).toBe("Slow down.");
    expect(readRun({ reason: "told", error: { text: "other" } }).reason).toBe("told");
  });

  test("an idle policy stands beside the verdict or in it", () => {
    const beside = { verdict: null, deadline: null, reason: null, enabled: true, timeout_s: 60 };
    expect(policyOf(beside)).toEqual({ enabled: true, timeoutS: 60, source: null });
    const policy = { enabled: false, timeout_s: 90, source: "tag" };
    expect(policyOf({ ...beside, policy })).toEqual({
      enabled: false,
      timeoutS: 90,
      source: "tag",
    });
    expect(policyOf(null)).toEqual({ enabled: null, timeoutS: null, source: null });
  });
});

describe("the server's clock", () => {
  test("is ours while nothing or nothing strange was heard", () => {
    const clock = new ServerClock();
    expect(clock.now(1000)).toBe(1000);
    clock.observe(900, 1000);
    expect(clock.now(2000)).toBe(2000);
  });

  test("runs ahead of a browser that is late", () => {
    const clock = new ServerClock();
    clock.observe(600_000, 0);
    clock.observe(609_500, 10_000);
    expect(clock.now(20_000)).toBe(620_000);
  });

  test("keeps the pace of a simulation", () => {
    const clock = new ServerClock();
    clock.observe(0, 0);
    clock.observe(600_000, 10_000);
    expect(clock.now(11_000)).toBe(660_000);
  });

  test("follows a clock that was started anew", () => {
    const clock = new ServerClock();
    clock.observe(50_000_000, 0);
    clock.observe(2_000, 1_000);
    expect(clock.now(2_000)).toBe(2_000);
  });
});

test("the palette puts the beginnings of words first", () => {
  const items = ["bootstrap", "strap-on", "other"];
  expect(rank(items, "strap", (item) => item)).toEqual(["strap-on", "bootstrap"]);
  expect(rank(items, "", (item) => item)).toEqual(items);
});

describe("the gist of an event", () => {
  const along = { id: "w", rev: 4, name: "a", region: "us-east-1", updated_at: "t" };
  test.each([
    ["worker.state_changed", { state: "stopping", from: "running" }, "running → stopping"],
    ["worker.service_changed", { service: "available", from: "starting" }, "starting → available"],
    ["worker.license_changed", { license: { status: "registered" } }, "registered"],
    [
      "worker.operation_changed",
      { operation: { kind: "start", state: "failed", reason: "no capacity" } },
      "start · failed · no capacity",
    ],
    ["worker.paused", { reason: "idle_timeout", by: "policy" }, "idle timeout · by policy"],
    ["worker.tags_changed", { tags: { a: "b" } }, "tags"],
    [
      "lab.changed",
      { title: "OSPF", state: "started", from: "stopped" },
      "OSPF · stopped → started",
    ],
  ])("%s", (type, data, gist) => {
    expect(gistOf(type, { ...along, ...data })).toBe(gist);
  });
});

describe("words", () => {
  test.each([
    [{ status: "COMPLETED", in_compliance: true }, "Registered"],
    [{ status: "COMPLETED", in_compliance: false }, "Out of compliance"],
    [{ status: "not_registered", in_compliance: null }, "Not registered"],
    [{ status: "IN_PROGRESS", in_compliance: null }, "In progress"],
    [{ status: null, in_compliance: null }, "Unknown"],
  ])("a license of %j is %s", (license, text) => {
    const whole = { product: null, registered_at: null, reason: null, ...license };
    expect(licenseWords(whole).text).toBe(text);
  });

  test("tell when the wanted power differs from the seen one", () => {
    expect(difference(aWorker("a", { state: "running", want: { power: "off" } }))).toBe(
      "wanted off",
    );
    expect(difference(aWorker("a", { state: "stopped", want: { power: "on" } }))).toBe("wanted on");
    expect(difference(aWorker("a", { state: "running", want: { power: "on" } }))).toBeNull();
    expect(difference(aWorker("a", { state: "failed", want: { power: "on" } }))).toBeNull();
  });
});
