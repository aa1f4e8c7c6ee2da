/** A make-believe fleet that moves by itself, for working on the UI without a server. */

const REGIONS = ["us-east-1", "us-west-2", "eu-central-1"];
const TYPES = ["c5.2xlarge", "c5.4xlarge", "m5zn.metal"];
const NAMES =
  "atlas borealis cygnus draco eridanus fornax gemini hydra indus lyra orion pavo".split(" ");
const STAGES = ["instance", "checks", "https", "ready", "licensed"];
const LABS = [
  "OSPF multi-area",
  "BGP route reflection",
  "SD-WAN onboarding",
  "MPLS L3VPN",
  "CCNA day 3",
];
const IDLE_S = 3600;

const iso = (ms = Date.now()) => new Date(ms).toISOString();
const pick = (list) => list[Math.floor(Math.random() * list.length)];
const clamp = (n) => Math.max(1, Math.min(98, n));

/** An event as it goes over the stream. */
export function frameOf(event) {
  const id = event.sequence === null ? "" : `id: ${event.sequence}\n`;
  return `${id}event: ${event.type.slice(7, -3)}\ndata: ${JSON.stringify(event)}\n\n`;
}

export class FakeFleet {
  clients = new Set();
  log = [];
  seq = 100;
  workers = new Map();
  labs = new Map();
  samples = new Map();
  runs = [];
  schedules = new Map();
  settings = {
    rev: 3,
    spec: {
      provisioning: {
        instance_type: "c5.2xlarge",
        image: { id: null, name: "cml-2.9*" },
        subnet: null,
        security_groups: ["sg-0abc"],
        key_name: null,
        regions: {},
        default_tags: { "managed-by": "ccm" },
      },
      idle: {
        enabled: true,
        timeout_s: IDLE_S,
        snooze_s: 1800,
        warn_before_s: 600,
        categories: ["start_node", "wipe_node"],
        service_users: [],
      },
      import: { rules: [] },
      retention: { samples_fine_s: 86_400, runs_s: 604_800, events: 100_000 },
    },
    changed_at: iso(),
    changed_by: { kind: "person", name: "ada" },
  };

  constructor(count) {
    for (let i = 0; i < count; i++) this.#born(i);
    const every = {
      observe_instances: 60,
      collect_measurements: 300,
      refresh_labs: 300,
      detect_activity: 600,
      import_instances: 3600,
      prune: 3600,
    };
    for (const [name, seconds] of Object.entries(every)) {
      const enabled = name !== "import_instances";
      this.schedules.set(name, {
        name,
        job: name,
        rev: 1,
        spec_rev: 1,
        cadence: { kind: "every", seconds },
        jitter_s: seconds / 10,
        enabled,
        next_at: enabled ? Date.now() + Math.random() * seconds * 1000 : null,
        last: { slot: Date.now() - 40_000, state: "succeeded", ended_at: iso(Date.now() - 38_500) },
      });
    }
    for (let i = 0; i < 24; i++)
      this.#run(pick([...this.schedules.keys()]), Date.now() - i * 47_000, i % 9 === 4);
  }

  #run(schedule, slot, fails) {
    this.runs.push({
      id: `${schedule}@${slot}`,
      rev: 2,
      job: schedule,
      schedule,
      slot,
      worker: null,
      attempt: fails ? 3 : 1,
      state: fails ? "dead" : "succeeded",
      queued_at: iso(slot),
      started_at: iso(slot),
      ended_at: iso(slot + 300 + Math.random() * 3000),
      outcome: fails ? null : "done",
      error: fails
        ? { code: "throttled", text: "Request limit exceeded.", permanent: false }
        : null,
      counts: { seen: 12, changed: fails ? 0 : 2 },
    });
  }

  #born(i) {
    const id = `w-${(0x5a10 + i * 7919).toString(16)}`;
    const state = i === 10 ? "failed" : i % 5 === 3 ? "stopped" : i === 7 ? "starting" : "running";
    const created = Date.now() - (i + 2) * 86_400_000;
    const worker = {
      id,
      rev: 1,
      name: `cml-${NAMES[i % NAMES.length]}${i >= NAMES.length ? i : ""}`,
      region: REGIONS[i % 3],
      account: "123456789012",
      instance_id: `i-0${(i * 7919 + 0xab12cd34).toString(16)}f1e2`,
      instance_type: TYPES[i % 3],
      ami: { id: "ami-0c1a2b3d4e5f", name: "cml-2.9.0-release" },
      state,
      state_since: iso(Date.now() - (i + 1) * 1_400_000),
      stages: null,
      service: "unavailable",
      endpoint: null,
      addresses: { public: null, private: `10.0.4.${10 + i}` },
      tags: { team: pick(["red", "blue", "netops"]), course: pick(["ccna", "ccnp", "devnet"]) },
      cml: null,
      license: {
        status: "unregistered",
        product: null,
        registered_at: null,
        reason: null,
        in_compliance: null,
      },
      metrics: null,
      activity: {
        last_at: iso(Date.now() - i * 340_000),
        last_kind: "start_node",
        counted_24h: 40 - i * 3,
      },
      idle: null,
      want: { power: state === "running" || state === "starting" ? "on" : "off" },
      operation: null,
      created_at: iso(created),
      updated_at: iso(),
    };
    this.workers.set(id, worker);
    if (state === "running") this.#settle(worker, i);
    else this.#stages(worker, state === "starting" ? 2 : 0);
    if (state === "failed") {
      worker.operation = {
        id: `op-${id}`,
        kind: "create",
        state: "failed",
        started_at: iso(Date.now() - 90_000),
        reason:
          "InsufficientInstanceCapacity: we do not have sufficient m5zn.metal capacity in us-west-2a.",
        hint: "Choose another type or region, then create it anew.",
        steps: [
          { name: "launch", state: "failed", at: iso(Date.now() - 80_000), detail: null },
          { name: "running", state: "waiting", at: null, detail: null },
        ],
      };
    }
    this.samples.set(id, this.#past(i));
  }

  #past(i) {
    const items = [];
    let [cpu, memory] = [30 + i * 3, 45 + i * 2];
    for (let m = 360; m > 0; m -= 3) {
      cpu = clamp(cpu + (Math.random() - 0.5) * 9);
      memory = clamp(memory + (Math.random() - 0.5) * 3);
      if (m < 200 && m > 170) continue; // a gap, as after a stop
      items.push({ at: iso(Date.now() - m * 60_000), cpu, memory, disk: 31 + i });
    }
    return items;
  }

  #settle(w, i = 3) {
    w.service = i === 5 ? "degraded" : "available";
    w.addresses = { ...w.addresses, public: `203.0.113.${10 + i}` };
    w.endpoint = `https://${w.addresses.public}`;
    w.cml = {
      version: "2.9.0+build.3",
      ready: true,
      labs: (i % 4) + 1,
      nodes: 12 + i,
      running_nodes: i % 3 === 0 ? 0 : 6 + i,
    };
    w.license =
      i === 4
        ? {
            status: "failed",
            product: "CML_Enterprise",
            registered_at: iso(Date.now() - 9e9),
            reason: "The registration has expired.",
            in_compliance: false,
          }
        : {
            status: "registered",
            product: "CML_Enterprise",
            registered_at: iso(Date.now() - 4e8),
            reason: null,
            in_compliance: true,
          };
    w.metrics = { cpu: clamp(20 + i * 6), memory: clamp(35 + i * 4), disk: 31 + i, at: iso() };
    const idle = i % 3 === 0;
    w.idle = {
      verdict: idle ? "warned" : "active",
      deadline: iso(Date.now() + (idle ? (i + 1) * 130_000 : 3_000_000 - i * 90_000)),
      policy: { enabled: i !== 8, timeout_s: IDLE_S, source: i % 2 ? "fleet" : "worker" },
      reason: idle
        ? "No use by a person since the last lab was stopped."
        : "Two people started nodes within the last hour.",
    };
    this.#stages(w, STAGES.length, i === 5 ? "https" : null);
    for (let n = 0; n < w.cml.labs; n++) {
      const id = `${w.id.slice(2)}${n}a4f`;
      this.labs.set(`${w.id}/${id}`, {
        worker: w.id,
        id,
        rev: 1,
        title: LABS[(n + i) % LABS.length],
        state:
          n === 0 && w.cml.running_nodes > 0 ? "started" : pick(["stopped", "defined_on_core"]),
        owner: pick(["ada", "grace", "linus"]),
        description: null,
        nodes: Array.from({ length: 4 + n * 3 }, (_, k) => ({ id: `n${k}`, label: `r${k}` })),
        nodes_by_state: n === 0 && w.cml.running_nodes > 0 ? { BOOTED: 4 } : { STOPPED: 4 + n * 3 },
        links: Array.from({ length: 5 + n * 4 }, (_, k) => ({ id: `l${k}` })),
        created_at: iso(Date.now() - 9e8),
        modified_at: iso(Date.now() - n * 7e6),
        action: null,
      });
    }
  }

  #stages(w, done, stuck = null) {
    w.stages = STAGES.map((name, n) => ({
      name,
      state:
        name === stuck
          ? "stuck"
          : n < done
            ? "done"
            : n === done && w.want.power === "on"
              ? "active"
              : "waiting",
      since: n <= done ? iso(Date.now() - (STAGES.length - n) * 41_000) : null,
      reason:
        name === stuck
          ? "502 Bad Gateway for 6 min; the controller usually answers after 4 min."
          : null,
    }));
  }

  /** Tells everybody who listens; what is durable also stays in the log. */
  emit(type, subject, data, durable = true) {
    const sequence = durable ? String(++this.seq) : null;
    const [id, time] = [crypto.randomUUID(), iso()];
    const event = {
      specversion: "1.0",
      id,
      source: "/fake",
      type: `io.ccm.${type}.v1`,
      subject,
      time,
      sequence,
      data,
    };
    if (durable) this.log.push(event);
    for (const client of this.clients) client.write(frameOf(event));
  }

  beat() {
    for (const client of this.clients) client.write(`id: ${this.seq}\n\n`);
  }

  /** Commits a change of a worker: next revision, one durable event with the patch. */
  commit(w, patch, type = "state_changed") {
    Object.assign(w, patch, { rev: w.rev + 1, updated_at: iso() });
    this.emit(`worker.${type}`, `worker/${w.id}`, { id: w.id, rev: w.rev, ...patch });
  }

  power(w, on) {
    const names = on ? ["start", "running", "service"] : ["stop", "stopped"];
    const steps = (at) =>
      names.map((name, n) => ({
        name,
        state: n < at ? "done" : n === at ? "active" : "waiting",
        at: n <= at ? iso() : null,
        detail: null,
      }));
    const operation = {
      id: `op-${Date.now().toString(36)}`,
      kind: on ? "start" : "stop",
      state: "running",
      steps: steps(0),
      reason: null,
      started_at: iso(),
    };
    this.commit(w, { want: { power: on ? "on" : "off" }, operation }, "operation_changed");
    setTimeout(() => {
      const next = { ...operation, steps: steps(1) };
      const state = on ? "starting" : "stopping";
      this.commit(w, { state, state_since: iso(), operation: next });
      let stage = 0;
      const step = () => {
        if (on && ++stage < STAGES.length) {
          this.#stages(w, stage);
          this.commit(w, {
            stages: w.stages,
            state: stage > 1 ? "running" : "starting",
            service: stage > 2 ? "starting" : "unavailable",
          });
          return setTimeout(step, 900);
        }
        if (on) this.#settle(w);
        else this.#stages(w, 0);
        const gone = {
          service: "unavailable",
          metrics: null,
          cml: null,
          idle: null,
          endpoint: null,
        };
        const done = {
          ...operation,
          state: "succeeded",
          steps: steps(names.length),
          ended_at: iso(),
        };
        const { service, metrics, cml, idle, endpoint, license, addresses } = w;
        this.commit(w, {
          state: on ? "running" : "stopped",
          state_since: iso(),
          stages: w.stages,
          ...(on ? { service, metrics, cml, idle, endpoint, license, addresses } : gone),
          operation: done,
        });
      };
      setTimeout(step, on ? 900 : 2500);
    }, 400);
    return operation;
  }

  tick() {
    for (const w of this.workers.values()) {
      if (w.state !== "running" || !w.metrics) continue;
      const late = w.idle?.deadline && Date.parse(w.idle.deadline) < Date.now();
      if (late && w.operation?.state !== "running") this.power(w, false);
      const cpu = clamp(w.metrics.cpu + (Math.random() - 0.48) * 12);
      const memory = clamp(w.metrics.memory + (Math.random() - 0.5) * 3);
      w.metrics = { ...w.metrics, cpu, memory, at: iso() };
      this.samples.get(w.id).push({ ...w.metrics });
      this.emit("worker.metrics", `worker/${w.id}`, { id: w.id, metrics: w.metrics }, false);
    }
  }

  /** Someone starts, stops or uses something now and then. */
  stir() {
    const w = pick([...this.workers.values()]);
    if (w.operation?.state === "running") return;
    if (w.state === "stopped") this.power(w, true);
    else if (w.state === "running" && Math.random() < 0.25) this.power(w, false);
    else if (w.state === "running")
      this.commit(
        w,
        {
          activity: {
            last_at: iso(),
            last_kind: "start_node",
            counted_24h: (w.activity?.counted_24h ?? 0) + 1,
          },
        },
        "activity_changed",
      );
  }
}
