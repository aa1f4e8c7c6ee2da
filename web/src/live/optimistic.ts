/** What a row shows between a click and the server's own word: the wish, then the truth or a rollback. */
import type { Operation, Worker } from "../api/types.ts";

export interface Pending {
  action: "start" | "stop" | "terminate" | "refresh";
  /** The revision that the user looked at. */
  baseRev: number;
  since: number;
}

/** After this long without a word the row shows what the server said last. */
export const PATIENCE_MS = 20_000;

const SHOWN = { start: "starting", stop: "stopping", terminate: "terminating" } as const;

/** The worker as it should be drawn while an action is under way. */
export function overlay(worker: Worker, pending: Pending | undefined): Worker {
  if (pending === undefined || pending.action === "refresh") return worker;
  return { ...worker, state: SHOWN[pending.action] };
}

/** Whether the server's view has taken over, so that the wish is not needed any more. */
export function settled(worker: Worker, pending: Pending, now: number): boolean {
  if (now - pending.since > PATIENCE_MS) return true;
  if (worker.rev <= pending.baseRev) return false;
  if (pending.action === "refresh") return true;
  if (worker.operation?.kind.includes(pending.action)) return true;
  if (worker.want?.power && pending.action !== "terminate") {
    return worker.want.power === (pending.action === "start" ? "on" : "off");
  }
  return worker.state === SHOWN[pending.action];
}

/** Whether an answer says that there was nothing to do. */
export function alreadyDone(body: unknown): boolean {
  if (typeof body !== "object" || body === null) return false;
  if ("outcome" in body) return body.outcome === "already_so";
  const inner = "operation" in body ? (body.operation as Operation | null) : (body as Operation);
  return inner === null || inner.state === "succeeded";
}
