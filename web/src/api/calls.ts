/** The API's calls by name. */
import { all, call, address } from "./client.ts";
import { readLabs, readRuns, readSchedules, readStreams } from "./read.ts";
import type {
  ActivityEntry,
  CloudEvent,
  IdleExplanation,
  Lab,
  License,
  Operation,
  Page,
  Run,
  Sample,
  Schedule,
  Session,
  StreamClient,
  Worker,
} from "./types.ts";

const at = (id: string) => `/workers/${encodeURIComponent(id)}`;
const lab = (workerId: string, id: string) => `${at(workerId)}/labs/${encodeURIComponent(id)}`;

export type WorkerAction = "start" | "stop" | "refresh" | "terminate" | "extend";
export type LabAction = "start" | "stop" | "wipe";

export const workers = {
  list: () => all<Worker>("/workers"),
  listTerminated: () => all<Worker>("/workers", { include_terminated: true, state: "terminated" }),
  get: (id: string) => call<Worker>("GET", at(id)),
  create: (body: Record<string, unknown>) => call<unknown>("POST", "/workers", { body }),
  import: (body: Record<string, unknown>) => call<Answered>("POST", "/workers/import", { body }),
  act: (id: string, action: WorkerAction, body: Record<string, unknown> = {}) =>
    call<unknown>("POST", `${at(id)}/${action}`, { body }),
  remove: (worker: Worker) => call<unknown>("DELETE", at(worker.id), { ifMatch: tagOf(worker) }),
  metrics: (id: string, from: Date, to: Date) =>
    all<Sample>(`${at(id)}/metrics`, {
      limit: 1000,
      from: from.toISOString(),
      to: to.toISOString(),
    }),
  activity: (id: string) => call<Page<ActivityEntry>>("GET", `${at(id)}/activity`),
  idle: (id: string) => call<IdleExplanation>("GET", `${at(id)}/idle`),
  setIdlePolicy: (id: string, body: Record<string, unknown>, ifMatch: string) =>
    call<unknown>("PUT", `${at(id)}/idle-policy`, { body, ifMatch }),
  tags: (id: string) => call<{ tags: Record<string, string> }>("GET", `${at(id)}/tags`),
  setTags: (id: string, tags: Record<string, string>, ifMatch: string) =>
    call<unknown>("PUT", `${at(id)}/tags`, { body: { tags }, ifMatch }),
};

/** The answer to a wish that takes time. */
export interface Answered {
  detail: string | null;
  operation: Operation | null;
}

/** What came of an import: the result of its operation. */
export interface ImportAnswer {
  found: number | null;
  imported: unknown[] | number | null;
  skipped: { instance_id: string | null; reason: string | null }[] | number | null;
}

export const labs = {
  all: async (): Promise<Lab[]> => readLabs(await all("/labs")),
  of: async (workerId: string): Promise<Lab[]> => readLabs(await all(`${at(workerId)}/labs`)),
  act: (workerId: string, id: string, action: LabAction) =>
    call<unknown>("POST", `${lab(workerId, id)}/${action}`, { body: {} }),
  remove: (workerId: string, id: string) => call<unknown>("DELETE", lab(workerId, id)),
  import: (workerId: string, content: string, title: string) =>
    call<unknown>("POST", `${at(workerId)}/labs`, {
      body: { topology: content, title: title === "" ? null : title },
    }),
  refresh: (workerId: string) =>
    call<unknown>("POST", `${at(workerId)}/labs/refresh`, { body: {} }),
  /** The fragment changes with the lab, so that an open picture is drawn anew. */
  pictureAddress: (of: Lab) => `${address(`${lab(of.worker_id, of.id)}/topology.svg`)}#${of.rev}`,
  /** The file, or with status 202 the news that it is being fetched. */
  download: (workerId: string, id: string) => call<unknown>("GET", `${lab(workerId, id)}/download`),
};

export const license = {
  get: (id: string) => call<License>("GET", `${at(id)}/license`),
  register: (id: string, token: string, reregister: boolean) =>
    call<unknown>("POST", `${at(id)}/license/register`, { body: { token, reregister } }),
  deregister: (id: string) => call<unknown>("POST", `${at(id)}/license/deregister`, { body: {} }),
};

export const operations = {
  list: () => call<Page<Operation>>("GET", "/operations", { query: { limit: 50 } }),
  get: (id: string) => call<Operation>("GET", `/operations/${encodeURIComponent(id)}`),
};

export const schedules = {
  list: async (): Promise<Schedule[]> => readSchedules(await all("/schedules")),
  change: (name: string, body: Record<string, unknown>, ifMatch: string) =>
    call<unknown>("PATCH", `/schedules/${encodeURIComponent(name)}`, { body, ifMatch }),
  act: (name: string, action: "trigger" | "pause" | "resume") =>
    call<unknown>("POST", `/schedules/${encodeURIComponent(name)}/${action}`, { body: {} }),
};

export const runs = {
  list: async (query: Record<string, string | null>): Promise<Run[]> => {
    const { body } = await call<Page<unknown>>("GET", "/runs", { query: { limit: 50, ...query } });
    return readRuns(body.items);
  },
  requeue: (id: string) =>
    call<unknown>("POST", `/runs/${encodeURIComponent(id)}/requeue`, { body: {} }),
};

export const settings = {
  get: () => call<Record<string, unknown>>("GET", "/settings"),
  put: (body: Record<string, unknown>, ifMatch: string) =>
    call<Record<string, unknown>>("PUT", "/settings", { body, ifMatch }),
};

export const system = {
  get: () => call<Record<string, unknown>>("GET", "/system"),
  streams: async (): Promise<StreamClient[]> =>
    readStreams((await call<Page<unknown>>("GET", "/system/streams")).body.items),
  endStream: (id: StreamClient["id"]) =>
    call<unknown>("DELETE", `/system/streams/${encodeURIComponent(id)}`),
};

export const events = {
  log: (after: string | null, limit: number) =>
    call<Page<CloudEvent>>("GET", "/events/log", { query: { after, limit } }),
};

export const session = {
  get: () => call<Session>("GET", "/session"),
  extend: () => call<unknown>("POST", "/session/extend", { body: {} }),
};

/** The ETag of a resource as it is known here. */
export function tagOf(resource: { spec_rev?: number | null; rev: number | null }): string {
  return `"${resource.spec_rev ?? resource.rev ?? 0}"`;
}
