/** The live state as signals: one worker, one signal, so that an event redraws one row. */
import { batch, createMemo, createRoot, createSignal, type Accessor, type Signal } from "solid-js";
import { onSignedOut } from "../api/client.ts";
import { workers as api } from "../api/calls.ts";
import type { CloudEvent, Lab, Sample, Worker } from "../api/types.ts";
import { Connection, type Link } from "./connection.ts";
import { FleetModel, nothing, type LiveMessage, type Touched } from "./model.ts";
import { overlay, settled, type Pending } from "./optimistic.ts";
import { ServerClock } from "./server-clock.ts";
import type { SseMessage } from "./sse.ts";

/** At most ten redraws a second, however fast events come. */
const REDRAW_MS = 100;
/** A hidden tab gives its connection back after this long; it resumes when looked at. */
const HIDDEN_MS = 120_000;
/** How often the list is read by REST while there is no stream. */
const POLL_MS = 15_000;
const EVENTS_KEPT = 300;
/** Never replayed, so their time is the server's time of now. */
const EPHEMERAL = new Set(["worker.metrics", "run.started", "run.finished", "system.health"]);

const model = new FleetModel();
const clock = new ServerClock();
const cells = new Map<string, Signal<Worker | undefined>>();
const pending = new Map<string, Pending>();
const listeners = new Set<(message: LiveMessage) => void>();

const [ids, setIds] = createSignal<string[]>([]);
const [loaded, setLoaded] = createSignal(false);
const [failure, setFailure] = createSignal<unknown>(null);
const [link, setLink] = createSignal<Link>({ state: "connecting", since: Date.now() });
const [heardAt, setHeardAt] = createSignal<number | null>(null);
const [labs, setLabs] = createSignal<ReadonlyMap<string, Lab>>(new Map());
const [epoch, setEpoch] = createSignal(0);
const [recent, setRecent] = createSignal<CloudEvent[]>([]);
const [tick, setTick] = createSignal(Date.now());

export { loaded, failure, link, heardAt, labs, epoch, recent };

/** Whether what is shown is the present. */
export const live = () => link().state === "live";

/** The server's time in ms, moving once a second. */
export const now = () => clock.now(tick());

/** One worker as it should be drawn, or `undefined` when there is none. */
export function worker(id: string): Worker | undefined {
  return cell(id)[0]();
}

export const history = (id: string): readonly Sample[] => model.history.get(id) ?? [];

/** Every worker; whoever reads this is told of every change. */
export const fleet: Accessor<Worker[]> = createRoot(() =>
  createMemo(() =>
    ids()
      .map((id) => worker(id))
      .filter((w): w is Worker => w !== undefined),
  ),
);

/** Calls `listener` for each event until the returned function is called. */
export function listen(listener: (message: LiveMessage) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Shows a wish at once. It goes away when the server took over, or by `rollback`. */
export function wish(id: string, action: Pending["action"]): void {
  const known = model.workers.get(id);
  if (known === undefined) return;
  pending.set(id, { action, baseRev: known.rev, since: Date.now() });
  draw(id);
}

export function rollback(id: string): void {
  pending.delete(id);
  draw(id);
}

export const wishOf = (id: string): Pending | undefined => {
  worker(id);
  return pending.get(id);
};

/** Takes workers that a REST call answered. */
export function learn(found: readonly Worker[]): void {
  publish(model.merge(found));
}

export function learnLabs(found: readonly Lab[], workerId: string | null): void {
  publish(model.mergeLabs(found, workerId));
}

export function learnHistory(id: string, samples: readonly Sample[]): void {
  publish(model.mergeHistory(id, samples));
}

/** The newest event seen, as a cursor for the event log. */
export const cursor = () => connection.cursor;

function cell(id: string): Signal<Worker | undefined> {
  let signal = cells.get(id);
  if (signal === undefined) {
    const known = model.workers.get(id);
    signal = createSignal<Worker | undefined>(known && overlay(known, pending.get(id)));
    cells.set(id, signal);
  }
  return signal;
}

function draw(id: string): void {
  const known = model.workers.get(id);
  const wished = pending.get(id);
  if (known !== undefined && wished !== undefined && settled(known, wished, Date.now())) {
    pending.delete(id);
  }
  cell(id)[1](() => known && { ...overlay(known, pending.get(id)) });
}

function publish(touched: Touched): void {
  batch(() => {
    for (const id of touched.workers) draw(id);
    if (touched.membership) setIds([...model.workers.keys()]);
    if (touched.labs) setLabs(new Map(model.labs));
    if (touched.replaced) setEpoch((n) => n + 1);
    setLoaded(model.loaded);
    if (model.loaded) setFailure(null);
  });
  for (const id of touched.unknown) void askFor(id);
}

async function askFor(id: string): Promise<void> {
  try {
    learn([(await api.get(id)).body]);
  } catch {
    // Gone again meanwhile, or not ours to see: its next event asks again.
  }
}

// ---- the stream ----

let queue: LiveMessage[] = [];
let flushing: ReturnType<typeof setTimeout> | null = null;
let lastFlush = 0;

function enqueue(message: LiveMessage): void {
  queue.push(message);
  const wait = Math.max(0, lastFlush + REDRAW_MS - Date.now());
  flushing ??= setTimeout(flush, wait);
}

function flush(): void {
  if (flushing !== null) clearTimeout(flushing);
  flushing = null;
  lastFlush = Date.now();
  const messages = queue;
  queue = [];
  const touched = nothing();
  for (const message of messages) model.apply(message, touched);
  publish(touched);
  batch(() => {
    for (const message of messages) for (const listener of listeners) listener(message);
  });
}

const connection = new Connection({
  message: receive,
  heard: setHeardAt,
  link(next) {
    flush();
    if (next.state !== "live") model.abandonSnapshot();
    setLink(next);
  },
});

function receive(message: SseMessage): void {
  const parsed = parse(message.data);
  if (parsed === null) return;
  switch (message.event) {
    case "auth_expired":
      connection.end();
      return;
    case "bye":
      connection.bye(typeof parsed.retry_ms === "number" ? parsed.retry_ms : null);
      return;
    case "resync":
      connection.whole(false);
      clock.reset();
      break;
    case "snapshot":
      connection.whole(Number(parsed.part ?? 1) >= Number(parsed.of ?? 1));
      break;
    default:
      break;
  }
  const wrapped = typeof parsed.specversion === "string";
  const time = typeof parsed.time === "string" ? parsed.time : null;
  const data = (wrapped ? parsed.data : parsed) as Record<string, unknown> | null;
  if (time !== null && EPHEMERAL.has(message.event)) clock.observe(Date.parse(time), Date.now());
  if (wrapped && !EPHEMERAL.has(message.event)) remember(message.event, parsed);
  enqueue({ type: message.event, time, data: data ?? {} });
}

function remember(type: string, parsed: Record<string, unknown>): void {
  const event = { ...parsed, type } as unknown as CloudEvent;
  setRecent((events) => [event, ...events.slice(0, EVENTS_KEPT - 1)]);
}

function parse(data: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Reads the list by REST while there is no stream, so that a blocked stream is not an empty page. */
async function poll(): Promise<void> {
  if (live() || link().state === "signed-out") return;
  try {
    const list = await api.list();
    if (!live()) {
      setHeardAt(Date.now());
      publish(model.replace(list));
    }
  } catch (error) {
    if (!model.loaded) setFailure(error);
  }
}

/** Tries the stream and the list at once, for the button of an error message. */
export function retryNow(): void {
  connection.start();
  connection.hurry();
  void poll();
}

/** Starts the stream and the clocks; called once. */
export function startLive(): void {
  onSignedOut(() => connection.end());
  connection.start();
  setInterval(() => setTick(Date.now()), 1000);
  setInterval(() => void poll(), POLL_MS);
  setTimeout(() => void poll(), 3000);
  setInterval(() => batch(() => [...pending.keys()].forEach(draw)), 1000);
  let hidden: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(() => connection.stop(), HIDDEN_MS);
    else if (link().state !== "signed-out") connection.start();
  });
  addEventListener("online", () => connection.hurry());
  addEventListener("pagehide", () => connection.stop());
  addEventListener("pageshow", () => link().state !== "signed-out" && connection.start());
}
