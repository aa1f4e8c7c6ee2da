/** The API's values as words and tones, in one place so that all pages say the same. */
import type { Tone } from "./parts/status.tsx";
import type { LicenseSummary, Worker } from "./api/types.ts";
import { words } from "./format.ts";

const STATE_TONES: Record<string, Tone> = {
  pending: "busy",
  starting: "busy",
  running: "ok",
  stopping: "busy",
  stopped: "quiet",
  terminating: "busy",
  terminated: "quiet",
  failed: "bad",
  missing: "warn",
  unknown: "warn",
};

export const stateTone = (state: string | null): Tone => STATE_TONES[state ?? ""] ?? "quiet";
export const isChanging = (state: string | null) => stateTone(state) === "busy";

const SERVICE_TONES: Record<string, Tone> = {
  available: "ok",
  starting: "busy",
  degraded: "warn",
  unavailable: "quiet",
};

export const serviceTone = (service: string | null): Tone =>
  SERVICE_TONES[service ?? ""] ?? "quiet";

const LAB_STATES: Record<string, { text: string; tone: Tone }> = {
  STARTED: { text: "Started", tone: "ok" },
  STOPPED: { text: "Stopped", tone: "quiet" },
  DEFINED_ON_CORE: { text: "Not started", tone: "quiet" },
  QUEUED: { text: "Queued", tone: "busy" },
  BOOTED: { text: "Booted", tone: "ok" },
};

export function labState(state: string | null): { text: string; tone: Tone } {
  return LAB_STATES[(state ?? "").toUpperCase()] ?? { text: words(state), tone: "quiet" };
}

export function licenseWords(license: LicenseSummary | null): { text: string; tone: Tone } {
  const status = (license?.status ?? "").toLowerCase();
  if (status === "" || status === "unknown") return { text: "Unknown", tone: "quiet" };
  if (/^(completed|registered|in_compliance|licensed)$/.test(status)) {
    return license?.in_compliance === false
      ? { text: "Out of compliance", tone: "warn" }
      : { text: "Registered", tone: "ok" };
  }
  if (/not_registered|unregistered|unlicensed/.test(status)) {
    return { text: "Not registered", tone: "quiet" };
  }
  if (/progress|registering|pending|retry/.test(status)) {
    return { text: words(status), tone: "busy" };
  }
  return { text: words(status), tone: /fail|expired/.test(status) ? "bad" : "warn" };
}

const STAGES: Record<string, string> = {
  instance: "Instance runs",
  checks: "Status checks",
  https: "HTTPS answers",
  ready: "CML ready",
  licensed: "Licensed",
};

export const stageWords = (name: string) => STAGES[name] ?? words(name);

const RUN_TONES: Record<string, Tone> = {
  succeeded: "ok",
  done: "ok",
  running: "busy",
  active: "busy",
  queued: "quiet",
  waiting: "quiet",
  skipped: "quiet",
  canceled: "quiet",
  abandoned: "warn",
  retrying: "warn",
  failed: "bad",
  dead: "bad",
  quarantined: "bad",
};

/** For anything that runs: operations, steps, job runs, health of parts. */
export function runTone(state: string | null | undefined): Tone {
  const text = (state ?? "").toLowerCase();
  const known = RUN_TONES[text];
  if (known !== undefined) return known;
  if (/^(ok|up|healthy|ready|present|yes|true)$/.test(text)) return "ok";
  if (/degraded|slow|late|warn|stuck/.test(text)) return "warn";
  if (/down|error|unhealthy|fail|cancel|lost/.test(text)) return "bad";
  return "quiet";
}

/** Verdicts about use, for people. */
const VERDICTS: Record<string, { text: string; tone: Tone }> = {
  not_running: { text: "Not running", tone: "quiet" },
  disabled: { text: "Never stopped for idleness", tone: "quiet" },
  unknown: { text: "Cannot be told", tone: "warn" },
  active: { text: "In use", tone: "ok" },
  warned: { text: "Stops soon", tone: "warn" },
  idle: { text: "Idle", tone: "warn" },
  snoozed: { text: "Left alone after its start", tone: "ok" },
  extended: { text: "Extended", tone: "ok" },
};

export function verdictWords(verdict: string | null | undefined): { text: string; tone: Tone } {
  if (!verdict) return { text: "Not judged yet", tone: "quiet" };
  return VERDICTS[verdict] ?? { text: words(verdict), tone: "quiet" };
}

/** Whether an idle stop is near: the server has warned, or decided. */
export const stopsSoon = (worker: Worker) =>
  worker.state === "running" && /^(warned|idle)$/.test(worker.idle?.verdict ?? "");

/** A number of the controller's, if it ever answered: zeros of a silent one mean nothing. */
export function told(worker: Worker, key: "labs" | "nodes" | "running_nodes"): number | null {
  return worker.cml?.answered_at === null ? null : (worker.cml?.[key] ?? null);
}

/** What differs between what is wanted and what is seen, in words; `null` when nothing does. */
export function difference(worker: Worker): string | null {
  const want = worker.want?.power;
  const { state } = worker;
  if (want === "on" && (state === "stopped" || state === "stopping")) return "wanted on";
  if (want === "off" && (state === "running" || state === "starting" || state === "pending")) {
    return "wanted off";
  }
  return null;
}

export const nameOf = (worker: Worker) => worker.name ?? worker.instance_id ?? worker.id;

export const canStart = (w: Worker) => w.state === "stopped" || w.state === "stopping";
export const canStop = (w: Worker) =>
  w.state === "running" || w.state === "starting" || w.state === "pending";
