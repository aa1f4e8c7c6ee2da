/**
 * The API's JSON as the UI reads it. Every field may be `null`: a worker that was just seen for the
 * first time has no metrics, one without CML has no license, and so on.
 */

export type WorkerState =
  | "pending"
  | "starting"
  | "running"
  | "stopping"
  | "stopped"
  | "terminating"
  | "terminated"
  | "failed"
  | "missing"
  | "unknown";

export type ServiceState = "unavailable" | "starting" | "available" | "degraded";

export type StageState = "done" | "active" | "waiting" | "stuck" | "failed";

export interface Stage {
  name: string;
  state: StageState;
  since: string | null;
  reason: string | null;
}

export interface Metrics {
  cpu: number | null;
  memory: number | null;
  disk: number | null;
  at: string | null;
}

export interface Idle {
  /** `not_running, disabled, unknown, active, warned, idle, snoozed, extended`. */
  verdict: string | null;
  deadline: string | null;
  reason: string | null;
  /** The policy, in an object or beside the verdict; read by `policyOf`. */
  policy?: Record<string, unknown> | null;
  enabled?: boolean | null;
  timeout_s?: number | null;
  policy_source?: string | null;
}

export interface LicenseSummary {
  status: string | null;
  product: string | null;
  registered_at: string | null;
  reason: string | null;
  in_compliance: boolean | null;
}

export interface OperationStep {
  name: string;
  state: string;
  at: string | null;
  detail: string | null;
}

export interface Operation {
  id: string;
  kind: string;
  state: string;
  steps: OperationStep[] | null;
  reason: string | null;
  /** What a person can do about it. */
  hint?: string | null;
  started_at: string | null;
  ended_at?: string | null;
  target?: string | null;
  result?: unknown;
  worker_id?: string | null;
}

export interface Drift {
  what: string | null;
  detail: string | null;
  at: string | null;
}

export interface PowerChange {
  at: string | null;
  reason: string | null;
  by: string | null;
}

export interface Worker {
  id: string;
  rev: number;
  /** The revision of what is wanted: the `ETag` outside. */
  spec_rev?: number | null;
  name: string | null;
  region: string | null;
  account: string | null;
  instance_id: string | null;
  instance_type: string | null;
  ami: { id: string | null; name: string | null } | null;
  state: WorkerState | null;
  state_since: string | null;
  state_reason?: string | null;
  stages: Stage[] | null;
  service: ServiceState | null;
  endpoint: string | null;
  addresses: { public: string | null; private: string | null } | null;
  tags: Record<string, string> | null;
  cml: {
    version: string | null;
    ready: boolean | null;
    labs: number | null;
    nodes: number | null;
    running_nodes: number | null;
    /** `null` when it never answered; the numbers mean nothing then. */
    answered_at?: string | null;
    error?: string | null;
  } | null;
  license: LicenseSummary | null;
  metrics: Metrics | null;
  activity: {
    last_at: string | null;
    last_kind: string | null;
    last_user?: string | null;
    counted_24h?: number | null;
    count_24h?: number | null;
    read_error?: string | null;
  } | null;
  idle: Idle | null;
  power?: {
    paused: PowerChange | null;
    resumed: PowerChange | null;
    auto_pauses: number | null;
    manual_pauses: number | null;
    external_pauses: number | null;
    resumes: number | null;
  } | null;
  drift?: Drift | null;
  want: { power: "on" | "off" | "gone" | null } | null;
  operation: Operation | null;
  created_at: string | null;
  updated_at: string | null;
}

export interface Lab {
  worker_id: string;
  id: string;
  rev: number;
  title: string | null;
  state: string | null;
  owner: string | null;
  description: string | null;
  nodes: number | unknown[] | null;
  running_nodes: number | null;
  links: number | unknown[] | null;
  created_at: string | null;
  modified_at: string | null;
  action: { kind: string | null; state: string | null; reason: string | null } | null;
  /** What the server would carry out now. */
  allowed?: string[] | null;
  removed_at?: string | null;
}

/** What is answered for a list; `next_cursor` is `null` on the last page. */
export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Sample {
  at: string;
  cpu: number | null;
  memory: number | null;
  disk: number | null;
}

export interface IdleSignal {
  name: string | null;
  value: unknown;
  at: string | null;
  source: string | null;
  /** Whether this signal speaks for use by a person. */
  active?: boolean | null;
}

export interface IdleExplanation extends Idle {
  signals: IdleSignal[] | null;
}

export interface ActivityEntry {
  at: string | null;
  kind: string | null;
  category?: string | null;
  user?: string | null;
  detail?: string | null;
  counts?: boolean | null;
}

export interface License extends LicenseSummary {
  features?: { name: string | null; in_use: number | null; status: string | null }[] | null;
  expires_at?: string | null;
}

export interface Schedule {
  name: string;
  rev: number | null;
  /** The revision of what is set: the `ETag` outside. */
  spec_rev?: number | null;
  cadence?: unknown;
  every_s?: number | null;
  /** Seconds, or a duration such as `5m`, or a cron expression. */
  every: number | string | null;
  jitter: number | string | null;
  enabled: boolean | null;
  description?: string | null;
  next_run: string | null;
  last_run: Partial<Run> | null;
}

export interface Run {
  id: string;
  schedule: string | null;
  worker_id: string | null;
  kind?: string | null;
  state: string | null;
  attempt: number | null;
  slot: string | null;
  started_at: string | null;
  ended_at: string | null;
  outcome: string | null;
  reason: string | null;
  counts: Record<string, number> | null;
}

export interface Session {
  user: { name: string | null; email?: string | null } | null;
  role: "viewer" | "operator" | "admin" | null;
  mode: string | null;
  expires_at: string | null;
}

export interface StreamClient {
  id: string | number;
  user: string | null;
  address: string | null;
  connected_at: string | null;
  sent: number | null;
  pending_bytes: number | null;
  process?: string | null;
  filter?: string | null;
  /** Events that it is behind. */
  lag?: number | null;
}

/** One event of the log or of the stream, in CloudEvents' form. */
export interface CloudEvent {
  id: string;
  type: string;
  subject: string | null;
  time: string | null;
  sequence: string | null;
  data: Record<string, unknown>;
}
