import { describe, expect, test } from "vitest";
import { FleetModel, type LiveMessage } from "../src/live/model.ts";
import type { Lab, Worker } from "../src/api/types.ts";
import { aWorker } from "./worker.ts";

const told = (type: string, data: Record<string, unknown>): LiveMessage => ({
  type,
  time: null,
  data,
});

const snapshot = (workers: Worker[], part = 1, of = 1) =>
  told("snapshot", { cursor: "9", part, of, workers });

function seeded(...workers: Worker[]): FleetModel {
  const model = new FleetModel();
  model.apply(snapshot(workers));
  return model;
}

describe("patches of a worker", () => {
  test("replace the named fields and leave the others", () => {
    const model = seeded(aWorker("a", { rev: 3, region: "eu-west-1" }));
    const touched = model.apply(
      told("worker.state_changed", { id: "a", rev: 4, state: "stopping" }),
    );
    expect(model.workers.get("a")).toMatchObject({
      rev: 4,
      state: "stopping",
      region: "eu-west-1",
    });
    expect([...touched.workers]).toEqual(["a"]);
    expect(touched.membership).toBe(false);
  });

  test("replace a nested field as a whole", () => {
    const model = seeded(aWorker("a", { want: { power: "on" }, tags: { team: "red" } }));
    model.apply(told("worker.tags_changed", { id: "a", rev: 2, tags: { course: "ccna" } }));
    expect(model.workers.get("a")?.tags).toEqual({ course: "ccna" });
  });

  test.each([3, 2])("with revision %i are ignored when 3 is known", (rev) => {
    const model = seeded(aWorker("a", { rev: 3 }));
    const touched = model.apply(told("worker.state_changed", { id: "a", rev, state: "failed" }));
    expect(model.workers.get("a")?.state).toBe("running");
    expect(touched.workers.size).toBe(0);
  });

  test("can clear a field with null", () => {
    const model = seeded(aWorker("a", { endpoint: "https://a" }));
    model.apply(told("worker.details_changed", { id: "a", rev: 2, endpoint: null }));
    expect(model.workers.get("a")?.endpoint).toBeNull();
  });

  test("of a worker never seen ask for it", () => {
    const model = seeded(aWorker("a"));
    const touched = model.apply(
      told("worker.state_changed", { id: "b", rev: 7, state: "running" }),
    );
    expect(model.workers.has("b")).toBe(false);
    expect([...touched.unknown]).toEqual(["b"]);
  });

  test("of birth show the worker at once and still ask for the rest", () => {
    const model = seeded();
    const touched = model.apply(
      told("worker.created", { id: "b", rev: 1, name: "beta", state: "pending" }),
    );
    expect(model.workers.get("b")?.name).toBe("beta");
    expect(touched.membership).toBe(true);
    expect([...touched.unknown]).toEqual(["b"]);
  });
});

describe("removal", () => {
  test("deletes the worker, its labs and its samples", () => {
    const model = seeded(aWorker("a"), aWorker("b"));
    model.apply(told("lab.created", { worker_id: "a", id: "l1", rev: 1, title: "OSPF" }));
    model.apply(
      told("worker.metrics", { id: "a", metrics: { cpu: 1, at: "2026-01-01T00:00:00Z" } }),
    );
    const touched = model.apply(told("worker.removed", { id: "a", rev: 2 }));
    expect([...model.workers.keys()]).toEqual(["b"]);
    expect(model.labs.size).toBe(0);
    expect(model.history.has("a")).toBe(false);
    expect(touched.membership).toBe(true);
  });

  test("is not undone by a late answer or event", () => {
    const model = seeded(aWorker("a", { rev: 5 }));
    model.apply(told("worker.removed", { id: "a", rev: 6 }));
    model.merge([aWorker("a", { rev: 5 })]);
    const touched = model.apply(
      told("worker.state_changed", { id: "a", rev: 6, state: "running" }),
    );
    expect(model.workers.has("a")).toBe(false);
    expect(touched.unknown.size).toBe(0);
  });

  test("that is older than what is known is ignored", () => {
    const model = seeded(aWorker("a", { rev: 5 }));
    model.apply(told("worker.removed", { id: "a", rev: 4 }));
    expect(model.workers.has("a")).toBe(true);
  });
});

describe("snapshots", () => {
  test("count only when the last part has come", () => {
    const model = seeded(aWorker("old"));
    model.apply(snapshot([aWorker("a")], 1, 3));
    model.apply(snapshot([aWorker("b")], 2, 3));
    expect([...model.workers.keys()]).toEqual(["old"]);
    const touched = model.apply(snapshot([aWorker("c")], 3, 3));
    expect([...model.workers.keys()]).toEqual(["a", "b", "c"]);
    expect(touched.replaced).toBe(true);
    expect(touched.workers.has("old")).toBe(true);
  });

  test("an empty one makes the fleet known to be empty", () => {
    const model = new FleetModel();
    expect(model.loaded).toBe(false);
    model.apply(snapshot([]));
    expect(model.loaded).toBe(true);
    expect(model.workers.size).toBe(0);
  });

  test("replace even higher revisions: the server may have started anew", () => {
    const model = seeded(aWorker("a", { rev: 40, state: "failed" }));
    model.apply(snapshot([aWorker("a", { rev: 2, state: "running" })]));
    expect(model.workers.get("a")).toMatchObject({ rev: 2, state: "running" });
  });

  test("events between the parts are applied after the last one, by revision", () => {
    const model = new FleetModel();
    model.apply(snapshot([aWorker("a", { rev: 5, state: "running" })], 1, 2));
    model.apply(told("worker.state_changed", { id: "a", rev: 6, state: "stopping" }));
    model.apply(told("worker.state_changed", { id: "b", rev: 3, state: "failed" }));
    model.apply(snapshot([aWorker("b", { rev: 4, state: "stopped" })], 2, 2));
    expect(model.workers.get("a")?.state).toBe("stopping");
    expect(model.workers.get("b")?.state).toBe("stopped");
  });

  test("a new first part throws the old parts away", () => {
    const model = new FleetModel();
    model.apply(snapshot([aWorker("a")], 1, 2));
    model.apply(snapshot([aWorker("b")], 1, 1));
    expect([...model.workers.keys()]).toEqual(["b"]);
  });

  test("an abandoned one leaves what was known", () => {
    const model = seeded(aWorker("old", { rev: 1 }));
    model.apply(snapshot([aWorker("a")], 1, 2));
    model.abandonSnapshot();
    model.apply(told("worker.state_changed", { id: "old", rev: 2, state: "stopped" }));
    expect(model.workers.get("old")?.state).toBe("stopped");
    expect(model.workers.has("a")).toBe(false);
  });
});

describe("resync", () => {
  test("keeps showing the old state until the snapshot is whole, then drops it", () => {
    const model = seeded(aWorker("a", { rev: 9 }), aWorker("gone"));
    model.apply(told("resync", { reason: "history_lost" }));
    expect(model.incomplete).toBe(true);
    model.apply(told("worker.state_changed", { id: "a", rev: 11, state: "stopped" }));
    expect(model.workers.get("a")?.state).toBe("running");
    model.apply(snapshot([aWorker("a", { rev: 10 })]));
    expect([...model.workers.keys()]).toEqual(["a"]);
    expect(model.workers.get("a")).toMatchObject({ rev: 11, state: "stopped" });
    expect(model.incomplete).toBe(false);
  });
});

describe("samples", () => {
  const metrics = (at: string, cpu: number) => ({ cpu, memory: null, disk: null, at });

  test("update the worker without a revision and fill its history", () => {
    const model = seeded(aWorker("a", { rev: 4 }));
    model.apply(told("worker.metrics", { id: "a", metrics: metrics("2026-01-01T00:00:00Z", 10) }));
    model.apply(told("worker.metrics", { id: "a", metrics: metrics("2026-01-01T00:01:00Z", 20) }));
    expect(model.workers.get("a")).toMatchObject({ rev: 4, metrics: { cpu: 20 } });
    expect(model.history.get("a")?.map((s) => s.cpu)).toEqual([10, 20]);
  });

  test("that are older than the newest are ignored", () => {
    const model = seeded(aWorker("a", { metrics: metrics("2026-01-01T00:05:00Z", 50) }));
    model.apply(told("worker.metrics", { id: "a", metrics: metrics("2026-01-01T00:04:00Z", 40) }));
    expect(model.workers.get("a")?.metrics?.cpu).toBe(50);
  });

  test("from before the page was opened go in front, once", () => {
    const model = seeded(aWorker("a", { metrics: metrics("2026-01-01T00:05:00Z", 50) }));
    model.mergeHistory("a", [
      metrics("2026-01-01T00:03:00Z", 30),
      metrics("2026-01-01T00:05:00Z", 50),
    ]);
    expect(model.history.get("a")?.map((s) => s.cpu)).toEqual([30, 50]);
  });

  test("older than two hours are let go", () => {
    const model = seeded(aWorker("a", { metrics: metrics("2026-01-01T00:00:00Z", 1) }));
    model.apply(told("worker.metrics", { id: "a", metrics: metrics("2026-01-01T03:00:00Z", 2) }));
    expect(model.history.get("a")?.map((s) => s.cpu)).toEqual([2]);
  });
});

describe("labs", () => {
  const lab = (workerId: string, id: string, rev: number, state = "STOPPED"): Lab => ({
    worker_id: workerId,
    id,
    rev,
    title: id,
    state,
    owner: null,
    description: null,
    nodes: 1,
    running_nodes: 0,
    links: 0,
    created_at: null,
    modified_at: null,
    action: null,
  });

  test("are patched by revision", () => {
    const model = seeded(aWorker("a"));
    model.mergeLabs([lab("a", "l", 4)], "a");
    model.apply(told("lab.changed", { worker_id: "a", id: "l", rev: 5, state: "STARTED" }));
    model.apply(told("lab.changed", { worker_id: "a", id: "l", rev: 5, state: "STOPPED" }));
    expect(model.labs.get("a/l")).toMatchObject({ state: "STARTED", title: "l" });
  });

  test("a list of one worker replaces that worker's labs only", () => {
    const model = seeded(aWorker("a"), aWorker("b"));
    model.mergeLabs([lab("a", "l1", 1), lab("b", "l2", 1)], null);
    model.mergeLabs([lab("a", "l3", 1)], "a");
    expect([...model.labs.keys()].sort()).toEqual(["a/l3", "b/l2"]);
  });

  test("a list that is older than an event does not undo it", () => {
    const model = seeded(aWorker("a"));
    model.mergeLabs([lab("a", "l", 1), lab("a", "gone", 1)], "a");
    model.apply(told("lab.changed", { worker_id: "a", id: "l", rev: 3, state: "STARTED" }));
    model.apply(told("lab.removed", { worker_id: "a", id: "gone", rev: 2 }));
    model.mergeLabs([lab("a", "l", 2), lab("a", "gone", 1)], "a");
    expect(model.labs.get("a/l")?.state).toBe("STARTED");
    expect(model.labs.has("a/gone")).toBe(false);
  });
});

describe("the list by REST, while there is no stream", () => {
  test("drops who is not listed any more", () => {
    const model = seeded(aWorker("a"), aWorker("b"));
    const touched = model.replace([aWorker("b", { rev: 2 })]);
    expect([...model.workers.keys()]).toEqual(["b"]);
    expect(touched.workers.has("a")).toBe(true);
  });

  test("does not turn back a newer revision", () => {
    const model = seeded(aWorker("a", { rev: 8, state: "stopping" }));
    model.replace([aWorker("a", { rev: 7, state: "running" })]);
    expect(model.workers.get("a")?.state).toBe("stopping");
  });
});
