/** Fetches the past of the rows that are looked at, a few at a time, so that sparklines are full. */
import { workers as api } from "../api/calls.ts";
import { learnHistory, now } from "./store.ts";

const PAST_MS = 2 * 3_600_000;
const LANES = 3;
/** More rows than this are not worth a request each. */
const MOST = 100;

const asked = new Set<string>();
const waiting: string[] = [];
let busy = 0;

export function wantHistory(id: string): void {
  if (asked.has(id) || asked.size >= MOST) return;
  asked.add(id);
  waiting.push(id);
  while (busy < LANES && waiting.length > 0) void lane();
}

async function lane(): Promise<void> {
  busy += 1;
  for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
    try {
      learnHistory(id, await api.metrics(id, new Date(now() - PAST_MS), new Date(now())));
    } catch {
      // A sparkline without its past fills up from the stream.
    }
  }
  busy -= 1;
}
