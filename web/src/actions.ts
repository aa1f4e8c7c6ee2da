/** What people do to workers, shown at once and rolled back with the reason when it is refused. */
import { workers as api } from "./api/calls.ts";
import type { Worker } from "./api/types.ts";
import { sentence, timeOf } from "./format.ts";
import { now, rollback, wish } from "./live/store.ts";
import { alreadyDone } from "./live/optimistic.ts";
import { complain, tell } from "./parts/toast.tsx";
import { nameOf } from "./words.ts";

type Power = "start" | "stop";

export async function power(worker: Worker, action: Power): Promise<void> {
  wish(worker.id, action);
  try {
    const answer = await api.act(worker.id, action);
    if (alreadyDone(answer.body)) rollback(worker.id);
  } catch (error) {
    rollback(worker.id);
    complain(`${nameOf(worker)} was not ${action === "start" ? "started" : "stopped"}`, error);
  }
}

export async function refresh(worker: Worker): Promise<void> {
  wish(worker.id, "refresh");
  try {
    const { body } = await api.act(worker.id, "refresh");
    rollback(worker.id);
    tell(`${nameOf(worker)} will be looked at`, promiseOf(body));
  } catch (error) {
    rollback(worker.id);
    complain(`${nameOf(worker)} was not refreshed`, error);
  }
}

/** What the server says will happen and when, if it says so. */
function promiseOf(body: unknown): string {
  if (typeof body !== "object" || body === null) return "";
  const text = (body as { detail?: unknown }).detail;
  return typeof text === "string" ? `${sentence(text)}.` : "";
}

/** Moves the deadline so much further; the API counts from now. */
export async function extend(worker: Worker, seconds: number): Promise<void> {
  const left = ((timeOf(worker.idle?.deadline) ?? 0) - now()) / 1000;
  try {
    await api.act(worker.id, "extend", { seconds: Math.round(Math.max(0, left) + seconds) });
    tell(`${nameOf(worker)} stays up longer`);
  } catch (error) {
    complain(`${nameOf(worker)} was not extended`, error);
  }
}

/** Starts or stops many; each row answers for itself. */
export async function powerAll(workers: readonly Worker[], action: Power): Promise<void> {
  const lanes = 6;
  const rest = [...workers];
  for (const worker of workers) wish(worker.id, action);
  const lane = async () => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
      await power(next, action);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
