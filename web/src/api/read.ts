/**
 * Reads what the API sends into the form that the pages use. Some things are said in two ways: whole
 * or flat, under the document's name or the list's. Both are understood here, and nowhere else.
 */
import type { Idle, Lab, Run, Schedule, StreamClient } from "./types.ts";

type Raw = Record<string, unknown>;

const object = (value: unknown): Raw | null =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Raw) : null;
const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
const number = (value: unknown): number | null => (typeof value === "number" ? value : null);

/** A moment as text, also from milliseconds since the epoch, as slots are told. */
function moment(value: unknown): string | null {
  return typeof value === "number" ? new Date(value).toISOString() : text(value);
}

/** Adds `to` under the name that we use, if the raw object has it under another. */
function rename(raw: Raw, from: string, to: string, read: (value: unknown) => unknown): void {
  if (raw[to] === undefined && raw[from] !== undefined) raw[to] = read(raw[from]);
}

const RUNNING_NODES = new Set(["STARTED", "BOOTED", "QUEUED"]);

/** A lab, or the part of one that an event carries. */
export function readLab(raw: Raw): Raw {
  const lab = { ...raw };
  rename(lab, "worker", "worker_id", text);
  rename(lab, "nodes_by_state", "running_nodes", (value) =>
    Object.entries(object(value) ?? {})
      .filter(([state]) => RUNNING_NODES.has(state.toUpperCase()))
      .reduce((sum, [, count]) => sum + Number(count), 0),
  );
  return lab;
}

export const readLabs = (raw: readonly unknown[]): Lab[] =>
  raw.map((lab) => readLab(lab as Raw) as unknown as Lab).filter((lab) => !lab.removed_at);

/** A schedule, or the part of one that an event carries. */
export function readSchedule(raw: Raw): Raw {
  const schedule = { ...raw };
  rename(schedule, "cadence", "every", (value) => {
    const cadence = object(value);
    return number(cadence?.seconds) ?? text(cadence?.expression);
  });
  rename(schedule, "every_s", "every", number);
  rename(schedule, "next_at", "next_run", moment);
  rename(schedule, "about", "description", text);
  rename(schedule, "last", "last_run", (value) => {
    const last = object(value);
    if (last === null) return null;
    return { ...last, slot: moment(last.slot), started_at: moment(last.started_at ?? last.slot) };
  });
  return schedule;
}

export const readSchedules = (raw: readonly unknown[]): Schedule[] =>
  raw.map((schedule) => readSchedule(schedule as Raw) as unknown as Schedule);

/** The change of how often a schedule runs, said as the schedule itself says it. */
export function cadenceChange(schedule: Schedule, seconds: number): Raw {
  if (schedule.cadence !== undefined) return { cadence: { kind: "every", seconds } };
  if (schedule.every_s !== undefined) return { every_s: seconds };
  return { every: typeof schedule.every === "string" ? `${seconds}s` : seconds };
}

/** A run, or the part of one that an event carries. */
export function readRun(raw: Raw): Raw {
  const run = { ...raw };
  rename(run, "worker", "worker_id", text);
  rename(run, "job", "kind", text);
  rename(run, "error", "reason", (value) => {
    const error = object(value);
    return text(error?.text) ?? text(error?.code) ?? text(value);
  });
  if (typeof run.slot === "number") run.slot = moment(run.slot);
  return run;
}

export const readRuns = (raw: readonly unknown[]): Run[] =>
  raw.map((run) => readRun(run as Raw) as unknown as Run);

/** An open event stream of somebody. */
export function readStream(raw: Raw): Raw {
  const stream = { ...raw };
  rename(stream, "name", "user", text);
  rename(stream, "since", "connected_at", moment);
  rename(stream, "frames", "sent", number);
  return stream;
}

export const readStreams = (raw: readonly unknown[]): StreamClient[] =>
  raw.map((stream) => readStream(stream as Raw) as unknown as StreamClient);

/** The policy of an idle decision: beside the verdict, or in an object of its own. */
export function policyOf(idle: Idle | null | undefined): {
  enabled: boolean | null;
  timeoutS: number | null;
  source: string | null;
} {
  const policy = object(idle?.policy);
  return {
    enabled: (policy?.enabled as boolean | undefined) ?? idle?.enabled ?? null,
    timeoutS: number(policy?.timeout_s) ?? idle?.timeout_s ?? null,
    source: text(policy?.source) ?? idle?.policy_source ?? null,
  };
}

/** Somebody's name, told as text or as an author. */
export function nameOfAuthor(value: unknown): string | null {
  return text(value) ?? text(object(value)?.name);
}
