/**
 * What the browser knows of the fleet, and how messages change it. No timers, no signals, no DOM:
 * `apply` is told a message and answers what it touched.
 */
import { readLab } from "../api/read.ts";
import type { Lab, Metrics, Sample, Worker } from "../api/types.ts";

/** A message whose `data` is already unwrapped from its CloudEvent. */
export interface LiveMessage {
  type: string;
  time: string | null;
  data: Record<string, unknown>;
}

/** What a message touched; the store turns it into signals. */
export interface Touched {
  workers: Set<string>;
  /** Workers came or went. */
  membership: boolean;
  labs: boolean;
  /** The whole state was replaced: what was loaded besides it must be loaded again. */
  replaced: boolean;
  /** Workers we were told about without having seen them: to be asked for. */
  unknown: Set<string>;
}

export function nothing(): Touched {
  return {
    workers: new Set(),
    membership: false,
    labs: false,
    replaced: false,
    unknown: new Set(),
  };
}

/** Samples kept for each worker's sparkline: two hours, and never more than this many. */
const HISTORY = 240;
export const HISTORY_MS = 2 * 3_600_000;
/** Messages held back while a snapshot is under way. */
const MOST_HELD = 5000;

export const labKey = (workerId: string, id: string) => `${workerId}/${id}`;

export class FleetModel {
  readonly workers = new Map<string, Worker>();
  readonly labs = new Map<string, Lab>();
  readonly history = new Map<string, Sample[]>();
  /** `true` once a whole snapshot or list was seen: only then does "empty" mean empty. */
  loaded = false;

  /** Revisions of what was removed, so that a late answer cannot bring it back. */
  #gone = new Map<string, number>();
  #parts: { cursor: string; workers: Worker[]; held: LiveMessage[] } | null = null;

  /** A snapshot has begun and is not complete, or must follow. */
  get incomplete(): boolean {
    return this.#parts !== null;
  }

  apply(message: LiveMessage, touched: Touched = nothing()): Touched {
    if (message.type === "snapshot") {
      this.#snapshot(message.data, touched);
    } else if (message.type === "resync") {
      this.#parts = { cursor: "", workers: [], held: [] };
    } else if (this.#parts !== null && message.type !== "worker.metrics") {
      // Their place is after the snapshot, which may be older or newer: revisions decide then.
      if (this.#parts.held.length < MOST_HELD) this.#parts.held.push(message);
    } else {
      this.#change(message, touched);
    }
    return touched;
  }

  /** Takes what a REST call answered; newer knowledge stays. */
  merge(workers: readonly Worker[], touched: Touched = nothing()): Touched {
    for (const worker of workers) this.#put(worker, touched);
    return touched;
  }

  /**
   * Takes a whole REST list, for the time without a stream: who is not listed is gone. With a stream
   * use `merge`, because the list may be older than what the stream said meanwhile.
   */
  replace(workers: readonly Worker[]): Touched {
    const touched = nothing();
    const listed = new Set(workers.map((worker) => worker.id));
    for (const id of this.workers.keys()) {
      if (listed.has(id)) continue;
      this.workers.delete(id);
      touched.workers.add(id);
    }
    this.merge(workers, touched);
    this.loaded = true;
    touched.membership = true;
    return touched;
  }

  /** Takes the labs of one worker, or of all of them (`null`), as a REST call answered. */
  mergeLabs(labs: readonly Lab[], workerId: string | null): Touched {
    const touched = nothing();
    touched.labs = true;
    const listed = new Set(labs.map((lab) => labKey(lab.worker_id, lab.id)));
    for (const [key, lab] of this.labs) {
      if ((workerId === null || lab.worker_id === workerId) && !listed.has(key)) {
        this.labs.delete(key);
      }
    }
    for (const lab of labs) {
      const key = labKey(lab.worker_id, lab.id);
      const known = this.labs.get(key);
      if (lab.rev <= (this.#gone.get(key) ?? -1)) continue;
      if (known === undefined || known.rev <= lab.rev) this.labs.set(key, lab);
    }
    return touched;
  }

  /** Takes the past of a worker, older than what the stream told. */
  mergeHistory(id: string, samples: readonly Sample[]): Touched {
    const touched = nothing();
    if (!this.workers.has(id)) return touched;
    const known = this.history.get(id) ?? [];
    const first = known[0]?.at;
    const older = samples.filter((sample) => first === undefined || sample.at < first);
    this.history.set(id, [...older, ...known].slice(-HISTORY));
    touched.workers.add(id);
    return touched;
  }

  /** The connection ended inside a snapshot: its parts are worth nothing. */
  abandonSnapshot(): void {
    this.#parts = null;
  }

  #snapshot(data: Record<string, unknown>, touched: Touched): void {
    const cursor = String(data.cursor ?? "");
    const part = Number(data.part ?? 1);
    const of = Number(data.of ?? 1);
    if (part <= 1 || this.#parts === null) {
      this.#parts = { cursor, workers: [], held: this.#parts?.held ?? [] };
    }
    const parts = this.#parts;
    parts.workers.push(...((data.workers as Worker[] | undefined) ?? []));
    if (part < of) return;

    this.#parts = null;
    for (const id of this.workers.keys()) touched.workers.add(id);
    this.workers.clear();
    this.#gone.clear();
    for (const worker of parts.workers) {
      this.workers.set(worker.id, worker);
      this.#sample(worker.id, worker.metrics);
      touched.workers.add(worker.id);
    }
    for (const id of this.history.keys()) if (!this.workers.has(id)) this.history.delete(id);
    this.loaded = true;
    touched.membership = true;
    touched.replaced = true;
    for (const message of parts.held) this.#change(message, touched);
  }

  #change(message: LiveMessage, touched: Touched): void {
    const { type, data } = message;
    if (type === "worker.metrics") this.#metrics(data, touched);
    else if (type === "worker.removed") this.#removeWorker(data, touched);
    else if (type === "lab.removed") this.#removeLab(data, touched);
    else if (type.startsWith("lab.")) this.#patchLab(data, touched);
    else if (type.startsWith("worker.")) this.#patchWorker(type, data, touched);
  }

  #patchWorker(type: string, data: Record<string, unknown>, touched: Touched): void {
    const id = data.id;
    const rev = data.rev;
    if (typeof id !== "string" || typeof rev !== "number") return;
    const known = this.workers.get(id);
    if (known !== undefined) {
      if (rev <= known.rev) return;
      this.#put({ ...known, ...data } as Worker, touched);
    } else if (rev > (this.#gone.get(id) ?? -1)) {
      // Show what the event of birth says, and ask for what it may leave out.
      const birth = type === "worker.created" || type === "worker.imported";
      if (birth && typeof data.name === "string") this.#put(data as unknown as Worker, touched);
      if (!birth || data.want === undefined) touched.unknown.add(id);
    }
  }

  #put(worker: Worker, touched: Touched): void {
    const known = this.workers.get(worker.id);
    if (known !== undefined && worker.rev < known.rev) return;
    if (worker.rev <= (this.#gone.get(worker.id) ?? -1)) return;
    this.workers.set(worker.id, worker);
    this.#sample(worker.id, worker.metrics);
    touched.workers.add(worker.id);
    if (known === undefined) touched.membership = true;
  }

  #removeWorker(data: Record<string, unknown>, touched: Touched): void {
    const id = String(data.id ?? "");
    const known = this.workers.get(id);
    const rev = typeof data.rev === "number" ? data.rev : (known?.rev ?? 0);
    if (known !== undefined && rev < known.rev) return;
    this.#gone.set(id, rev);
    if (known === undefined) return;
    this.workers.delete(id);
    this.history.delete(id);
    for (const [key, lab] of this.labs) if (lab.worker_id === id) this.labs.delete(key);
    touched.workers.add(id);
    touched.membership = true;
    touched.labs = true;
  }

  #metrics(data: Record<string, unknown>, touched: Touched): void {
    const known = this.workers.get(String(data.id ?? ""));
    const metrics = data.metrics as Metrics | null | undefined;
    if (known === undefined || !metrics) return;
    // Samples have no revision: they may be merged only into what is older.
    const before = known.metrics?.at;
    if (before && metrics.at && metrics.at < before) return;
    this.workers.set(known.id, { ...known, metrics });
    this.#sample(known.id, metrics);
    touched.workers.add(known.id);
  }

  #sample(id: string, metrics: Metrics | null): void {
    if (!metrics?.at) return;
    const past = this.history.get(id) ?? [];
    if ((past.at(-1)?.at ?? "") >= metrics.at) return;
    const oldest = new Date(Date.parse(metrics.at) - HISTORY_MS).toISOString();
    const kept = past.slice(1 - HISTORY).filter((sample) => sample.at >= oldest);
    this.history.set(id, [...kept, { ...metrics, at: metrics.at }]);
  }

  #patchLab(told: Record<string, unknown>, touched: Touched): void {
    const data = readLab(told);
    const { worker_id: workerId, id, rev } = data;
    if (typeof workerId !== "string" || typeof id !== "string" || typeof rev !== "number") return;
    const key = labKey(workerId, id);
    const known = this.labs.get(key);
    if (known !== undefined ? rev <= known.rev : rev <= (this.#gone.get(key) ?? -1)) return;
    this.labs.set(key, { ...known, ...data } as Lab);
    touched.labs = true;
  }

  #removeLab(data: Record<string, unknown>, touched: Touched): void {
    const key = labKey(String(data.worker_id ?? ""), String(data.id ?? ""));
    const known = this.labs.get(key);
    const rev = typeof data.rev === "number" ? data.rev : (known?.rev ?? 0);
    if (known !== undefined && rev < known.rev) return;
    this.#gone.set(key, rev);
    if (this.labs.delete(key)) touched.labs = true;
  }
}
