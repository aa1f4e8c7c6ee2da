/** Which workers the fleet page shows, in which order; kept in the address. */
import type { Worker, WorkerState } from "../../api/types.ts";
import { timeOf } from "../../format.ts";

export interface Filters {
  text: string;
  region: string;
  /** One of `GROUPS`, or a state. */
  state: string;
  sort: SortKey;
  descending: boolean;
}

export const SORTS = [
  "name",
  "state",
  "service",
  "region",
  "cpu",
  "memory",
  "labs",
  "license",
  "idle",
] as const;
export type SortKey = (typeof SORTS)[number];

/** States that people think of as one. `attention` is computed, see `needsAttention`. */
export const GROUPS = {
  running: ["running"],
  changing: ["pending", "starting", "stopping", "terminating"],
  stopped: ["stopped"],
  terminated: ["terminated"],
} as const satisfies Record<string, readonly WorkerState[]>;

/** Working ones first, then what moves, then what rests. */
const STATE_ORDER: readonly string[] = [
  "failed",
  "missing",
  "unknown",
  "pending",
  "starting",
  "running",
  "stopping",
  "stopped",
  "terminating",
  "terminated",
];

export function readFilters(query: URLSearchParams): Filters {
  const raw = query.get("sort") ?? "name";
  const descending = raw.startsWith("-");
  const key = raw.replace(/^-/, "");
  const sort = SORTS.find((s) => s === key) ?? "name";
  return {
    text: query.get("q") ?? "",
    region: query.get("region") ?? "",
    state: query.get("state") ?? "",
    sort,
    descending,
  };
}

/** The query of a click on a column: the same column again turns the order round. */
export function nextSort(now: Filters, key: SortKey): string | null {
  const descending = now.sort === key && !now.descending;
  if (key === "name" && !descending) return null;
  return descending ? `-${key}` : key;
}

export function needsAttention(worker: Worker): boolean {
  return (
    worker.state === "failed" ||
    worker.state === "missing" ||
    worker.service === "degraded" ||
    worker.operation?.state === "failed" ||
    (worker.stages ?? []).some((stage) => stage.state === "stuck" || stage.state === "failed")
  );
}

export function inGroup(worker: Worker, group: string): boolean {
  if (group === "") return worker.state !== "terminated";
  if (group === "attention") return needsAttention(worker);
  const states: readonly string[] | undefined = GROUPS[group as keyof typeof GROUPS];
  return states ? states.includes(worker.state ?? "unknown") : worker.state === group;
}

/** Every word must be found: in name, ids, region, type, addresses, or as `key=value` of a tag. */
export function matches(worker: Worker, filters: Filters): boolean {
  if (!inGroup(worker, filters.state)) return false;
  if (filters.region !== "" && worker.region !== filters.region) return false;
  const sought = filters.text.toLowerCase().split(/\s+/).filter(Boolean);
  if (sought.length === 0) return true;
  const hay = [
    worker.name,
    worker.id,
    worker.instance_id,
    worker.instance_type,
    worker.region,
    worker.account,
    worker.state,
    worker.service,
    worker.addresses?.public,
    worker.addresses?.private,
    worker.cml?.version,
    ...Object.entries(worker.tags ?? {}).map(([key, value]) => `${key}=${value}`),
  ]
    .filter(Boolean)
    .join("\n")
    .toLowerCase();
  return sought.every((word) => hay.includes(word));
}

const KEYS: Record<SortKey, (worker: Worker) => string | number | null> = {
  name: (w) => w.name?.toLowerCase() ?? w.id,
  state: (w) => STATE_ORDER.indexOf(w.state ?? "unknown"),
  service: (w) => w.service,
  region: (w) => w.region,
  cpu: (w) => w.metrics?.cpu ?? null,
  memory: (w) => w.metrics?.memory ?? null,
  labs: (w) => w.cml?.labs ?? null,
  license: (w) => w.license?.status ?? null,
  idle: (w) => timeOf(w.idle?.deadline),
};

/** Unknown values come last in both directions; equal ones keep the order of names. */
export function compare(a: Worker, b: Worker, sort: SortKey, descending: boolean): number {
  const [x, y] = [KEYS[sort](a), KEYS[sort](b)];
  const byName = () => natural(a.name ?? a.id, b.name ?? b.id) || natural(a.id, b.id);
  if (x === null || y === null) return x === y ? byName() : x === null ? 1 : -1;
  const order = typeof x === "number" && typeof y === "number" ? x - y : natural(`${x}`, `${y}`);
  return order === 0 ? byName() : descending ? -order : order;
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
const natural = (a: string, b: string) => collator.compare(a, b);

export function select(workers: readonly Worker[], filters: Filters): Worker[] {
  return workers
    .filter((worker) => matches(worker, filters))
    .sort((a, b) => compare(a, b, filters.sort, filters.descending));
}

export interface Counts {
  all: number;
  running: number;
  changing: number;
  stopped: number;
  attention: number;
  terminated: number;
}

export function count(workers: readonly Worker[]): Counts {
  const of = (group: string) => workers.filter((worker) => inGroup(worker, group)).length;
  return {
    all: of(""),
    running: of("running"),
    changing: of("changing"),
    stopped: of("stopped"),
    attention: of("attention"),
    terminated: of("terminated"),
  };
}

/** Keeps known rows where they are, so that none moves away under the pointer; new ones come last. */
export function holdOrder(before: readonly string[], wanted: readonly string[]): string[] {
  const still = new Set(wanted);
  const known = new Set(before);
  return [...before.filter((id) => still.has(id)), ...wanted.filter((id) => !known.has(id))];
}
