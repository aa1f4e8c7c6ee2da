/** What the make-believe API answers, over the make-believe fleet. */

export const problem = (status, title, detail, errors = []) => ({
  status,
  body: {
    type: "about:blank",
    title,
    status,
    detail,
    code: title.toLowerCase().replaceAll(" ", "_"),
    request_id: crypto.randomUUID(),
    errors,
  },
});
const ok = (body, status = 200, rev = body?.rev) => ({
  status,
  body,
  etag: rev === undefined ? undefined : `"${rev}"`,
});
const page = (items) => ok({ items: [...items], next_cursor: null });

const shownSettings = ({ settings: { spec, ...kept } }) => ({ ...kept, ...spec });

const policyAfter = (body) => {
  const own = body.enabled !== null || body.timeout_s !== null;
  const { enabled, timeout_s } = body;
  return {
    enabled: enabled ?? true,
    timeout_s: timeout_s ?? 3600,
    source: own ? "worker" : "fleet",
  };
};

function workerCall(fleet, w, [what, lab, act], method, body) {
  const done = (kind) =>
    ok(
      {
        id: "op-x",
        kind,
        state: "running",
        steps: [],
        reason: null,
        started_at: new Date().toISOString(),
      },
      202,
    );
  switch (what) {
    case undefined:
      if (method === "DELETE") {
        fleet.workers.delete(w.id);
        fleet.emit("worker.removed", `worker/${w.id}`, { id: w.id, rev: w.rev + 1 });
      }
      return ok(w);
    case "start":
    case "stop":
      if (w.state === "failed")
        return problem(
          409,
          "Conflict",
          `${w.name} has no instance that could ${what}: its creation failed. Create it anew or remove it.`,
        );
      return ok(fleet.power(w, what === "start"), 202);
    case "extend":
      fleet.commit(
        w,
        {
          idle: {
            ...w.idle,
            deadline: new Date(
              Date.parse(w.idle?.deadline ?? new Date()) + 3_600_000,
            ).toISOString(),
          },
        },
        "idle_policy_changed",
      );
      return done("extend");
    case "refresh":
      setTimeout(() => fleet.commit(w, {}, "details_changed"), 700);
      return done("refresh");
    case "terminate":
      fleet.commit(w, { state: "terminating", want: { power: "off" } });
      return done("terminate");
    case "metrics":
      return page(fleet.samples.get(w.id) ?? []);
    case "activity":
      return page(
        ["start_node", "user_login", "wipe_node", "start_lab"].map((kind, i) => ({
          at: new Date(Date.now() - i * 1_300_000).toISOString(),
          kind,
          user: "ada",
          detail: `${kind} in OSPF multi-area`,
          counts: kind !== "user_login",
        })),
      );
    case "idle":
      return ok(
        {
          ...w.idle,
          signals: [
            {
              name: "telemetry",
              value: "start_node",
              at: w.activity?.last_at,
              source: "CML telemetry",
              active: w.idle?.verdict !== "idle",
            },
            {
              name: "running_nodes",
              value: w.cml?.running_nodes ?? 0,
              at: new Date().toISOString(),
              source: "CML system data",
              active: false,
            },
            { name: "resumed", value: null, at: w.state_since, source: "EC2", active: false },
          ],
        },
        200,
        w.rev,
      );
    case "idle-policy":
      fleet.commit(w, { idle: { ...w.idle, policy: policyAfter(body) } }, "idle_policy_changed");
      return ok(w);
    case "tags":
      if (method === "PUT") fleet.commit(w, { tags: body.tags }, "tags_changed");
      return ok({ tags: w.tags }, 200, w.rev);
    case "license":
      if (lab === undefined)
        return ok({
          ...w.license,
          features: [
            { name: "CML – Enterprise", in_use: 1, status: "IN_COMPLIANCE" },
            { name: "CML – Expansion nodes", in_use: 20, status: "IN_COMPLIANCE" },
          ],
        });
      if (lab === "register" && (body.token ?? "").length < 8)
        return problem(422, "Invalid request", "The token is not usable.", [
          { pointer: "/token", detail: "is shorter than any registration token" },
        ]);
      fleet.commit(
        w,
        {
          license: { ...w.license, status: lab === "register" ? "registering" : "unregistered" },
        },
        "license_changed",
      );
      if (lab === "register")
        setTimeout(
          () =>
            fleet.commit(
              w,
              {
                license: {
                  status: "registered",
                  product: "CML_Enterprise",
                  registered_at: new Date().toISOString(),
                  reason: null,
                  in_compliance: true,
                },
              },
              "license_changed",
            ),
          3000,
        );
      return done(lab);
    case "labs": {
      const key = `${w.id}/${lab}`;
      const known = fleet.labs.get(key);
      if (lab === undefined && method === "GET")
        return page([...fleet.labs.values()].filter((l) => l.worker === w.id));
      if (lab === undefined || lab === "refresh") {
        if (lab === "refresh") return done("refresh_labs");
        const made = {
          worker: w.id,
          id: `n${fleet.seq}`,
          rev: 1,
          title: body.title ?? "Imported lab",
          state: "defined_on_core",
          owner: "admin",
          nodes: [{ id: "n0" }, { id: "n1" }],
          nodes_by_state: { DEFINED_ON_CORE: 2 },
          links: [{ id: "l0" }],
          created_at: new Date().toISOString(),
          modified_at: new Date().toISOString(),
          action: null,
        };
        fleet.labs.set(`${w.id}/${made.id}`, made);
        fleet.emit("lab.created", `lab/${w.id}/${made.id}`, made);
        return done("import_lab");
      }
      if (known === undefined)
        return problem(404, "Not found", "There is no such lab on this worker.");
      if (method === "DELETE") {
        if (known.state !== "defined_on_core")
          return problem(409, "Conflict", "Stop and wipe the lab before it can be deleted.");
        fleet.labs.delete(key);
        fleet.emit("lab.removed", `lab/${key}`, { worker_id: w.id, id: lab, rev: known.rev + 1 });
        return done("delete_lab");
      }
      const say = (patch) =>
        fleet.emit(
          "lab.action_changed",
          `lab/${key}`,
          Object.assign(known, patch, { rev: known.rev + 1 }),
        );
      say({ action: { kind: act, state: "running", reason: null } });
      setTimeout(
        () =>
          say({
            action: null,
            state: { start: "started", stop: "stopped", wipe: "defined_on_core" }[act],
          }),
        1800,
      );
      return done(`${act}_lab`);
    }
    default:
      return null;
  }
}

function schedule(fleet, name, act, method, body) {
  const s = fleet.schedules.get(name);
  if (s === undefined) return problem(404, "Not found", "There is no such schedule.");
  const patch =
    method === "PATCH"
      ? body
      : act === "pause"
        ? { enabled: false }
        : act === "resume"
          ? { enabled: true }
          : { next_at: Date.now() };
  Object.assign(s, patch, { rev: s.rev + 1, spec_rev: s.spec_rev + 1 });
  fleet.emit("schedule.changed", `schedule/${name}`, s);
  return ok(s);
}

const process = (name, role, state, wrong) => ({
  name,
  roles: [role],
  state,
  parts: [
    { name: "bus", healthy: !wrong, detail: wrong },
    { name: "store", healthy: true, detail: null },
  ],
  version: "0.0.0-fake",
  commit: "0000000",
  started_at: new Date(Date.now() - 5e6).toISOString(),
  seen_at: new Date(Date.now() - 3e3).toISOString(),
});

const about = (fleet) => ({
  process: "api-1",
  build: { version: "0.0.0-fake", commit: "0000000" },
  parts: process("", "", "", null).parts,
  processes: [
    process("api-1", "api", "present", null),
    process("relay-1", "relay", "present", "no answer for 3 s"),
    process("scheduler-1", "scheduler", "lost", null),
  ],
  leaders: [
    {
      role: "scheduler",
      holder: "standalone-1",
      epoch: 7,
      renewals: 1234,
    },
    {
      role: "relay",
      holder: "standalone-1",
      epoch: 7,
      renewals: 1234,
    },
  ],
  events: { head: fleet.seq, oldest: 1, backlog: 0 },
  late_schedules: [],
});

export function answer(fleet, method, parts, query, body, cookie) {
  const [what, id, ...rest] = parts;
  if (what === "workers" && id === undefined)
    return method === "GET"
      ? page(query.get("state") === "terminated" ? [] : fleet.workers.values())
      : problem(422, "Invalid request", "Some fields cannot be used.", [
          { pointer: "/region", detail: `'${body.region}' is not among the configured regions` },
        ]);
  if (what === "workers" && id === "import")
    return ok(
      { outcome: "begun", detail: "it is done at once", operation: { id: "op-import" } },
      202,
    );
  if (what === "operations" && id !== undefined) {
    const skipped = [{ instance_id: "i-0bb", reason: "the instance is terminated" }];
    return ok({
      id,
      kind: "import_instances",
      state: "succeeded",
      result: { found: 2, imported: [{}], skipped },
    });
  }
  if (what === "workers") {
    const w = fleet.workers.get(id);
    return w
      ? workerCall(fleet, w, rest, method, body)
      : problem(404, "Not found", `There is no worker '${id}'.`);
  }
  if (what === "labs") return page(fleet.labs.values());
  if (what === "schedules")
    return id ? schedule(fleet, id, rest[0], method, body) : page(fleet.schedules.values());
  if (what === "runs")
    return page(
      fleet.runs.filter(
        (r) =>
          (!query.get("schedule") || r.schedule === query.get("schedule")) &&
          (!query.get("state") || r.state === query.get("state")),
      ),
    );
  if (what === "operations")
    return page(
      [...fleet.workers.values()]
        .filter((w) => w.operation)
        .map((w) => ({ ...w.operation, worker_id: w.id })),
    );
  if (what === "settings") {
    if (method === "GET") return ok(shownSettings(fleet));
    if (body.idle?.timeout_s < 300)
      return problem(422, "Invalid request", "Some settings are out of bounds.", [
        { pointer: "/idle/timeout_s", detail: "must be at least 300" },
      ]);
    const rev = fleet.settings.rev + 1;
    fleet.settings = { ...fleet.settings, spec: body, rev, changed_at: new Date().toISOString() };
    fleet.emit("settings.changed", "settings", { rev, sections: ["idle"], by: { name: "dev" } });
    return ok(shownSettings(fleet));
  }
  if (what === "system" && id === "streams")
    return page(
      [...fleet.clients].map((_c, i) => ({
        id: `s-${i}`,
        user: "dev",
        address: "127.0.0.1",
        connected_at: new Date().toISOString(),
        sent: fleet.seq,
        pending_bytes: 0,
        process: "standalone-1",
      })),
    );
  if (what === "system") return ok(about(fleet));
  if (what === "session")
    return ok({
      user: { name: "dev", email: null },
      role: /ccm_dev_role=(\w+)/.exec(cookie)?.[1] ?? "admin",
      mode: "dev",
      expires_at: null,
    });
  if (what === "events" && id === "log")
    return page(
      fleet.log
        .filter((e) => Number(e.sequence) > Number(query.get("after") ?? 0))
        .slice(0, Number(query.get("limit") ?? 100)),
    );
  return null;
}
