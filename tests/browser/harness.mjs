/** What every test needs: a server, a way between that can be cut, and a browser that complains. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const READY_MS = 60_000;
/** The simulated fleet is found by a job; until then there is nothing to look at. */
const FOUND_MS = 120_000;
const FOUND = 4;
const SHOTS = fileURLToPath(new URL("./shots/", import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Waits until `condition` holds; says what it waited for when it does not. */
export async function eventually(what, condition, ms = 30_000) {
  const end = Date.now() + ms;
  let last;
  while (Date.now() < end) {
    try {
      const value = await condition();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited ${ms} ms in vain: ${what}`, { cause: last });
}

/**
 * Starts the real product with a simulated fleet, or takes the running one of `CCM_BASE_URL`.
 * `CCM_STANDALONE` is the path of the binary.
 */
async function startServer() {
  if (process.env.CCM_BASE_URL) {
    return { url: new URL(process.env.CCM_BASE_URL), stop: async () => {} };
  }
  const binary = process.env.CCM_STANDALONE;
  if (!binary) throw new Error("CCM_STANDALONE is not set: the path of ccm-standalone");
  const folder = await mkdtemp(join(tmpdir(), "ccm-browser-"));
  const [port, admin] = [await freePort(), await freePort()];
  const child = spawn(binary, ["--simulate", "12", "--speed", "60"], {
    cwd: folder,
    env: {
      ...process.env,
      CCM_HTTP__LISTEN: `127.0.0.1:${port}`,
      CCM_ADMIN__LISTEN: `127.0.0.1:${admin}`,
      CCM_STORE__URL: `embedded:${join(folder, "ccm.db")}`,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  const keep = (chunk) => (said = (said + chunk).slice(-8000));
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = once(child, "exit");
  const stop = async () => {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 15_000);
    await ended;
    clearTimeout(late);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await eventually(
      "ccm-standalone is ready",
      async () => {
        if (child.exitCode !== null) return true;
        return (await fetch(`http://127.0.0.1:${admin}/readyz`)).ok;
      },
      READY_MS,
    );
    if (child.exitCode !== null) throw new Error(`ccm-standalone ended by itself`);
  } catch (error) {
    await stop();
    throw new Error(`${error.message}\nIt said:\n${said}`);
  }
  return { url: new URL(`http://127.0.0.1:${port}`), stop };
}

/** Waits until the fleet is there, and some of it serves. */
async function fleetOf(url) {
  await eventually(
    `${FOUND} workers are found and one of them serves`,
    async () => {
      const { items } = await (await fetch(new URL("/api/v1/workers?limit=100", url))).json();
      return items.length >= FOUND && items.some((worker) => worker.service === "available");
    },
    FOUND_MS,
  );
}

/** A way to the server that can be cut and mended, as a laptop's network is. */
async function startWay(target) {
  const open = new Set();
  let whole = true;
  const server = createServer((client) => {
    if (!whole) return client.destroy();
    const upstream = connect(Number(target.port || 80), target.hostname);
    for (const [a, b] of [
      [client, upstream],
      [upstream, client],
    ]) {
      open.add(a);
      a.pipe(b);
      a.on("error", () => b.destroy());
      a.on("close", () => {
        open.delete(a);
        b.destroy();
      });
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut() {
      whole = false;
      for (const socket of open) socket.destroy();
    },
    mend() {
      whole = true;
    },
    async stop() {
      this.cut();
      server.close();
      await once(server, "close");
    },
  };
}

/** Everything together; `stop` ends it. */
export async function start() {
  await mkdir(SHOTS, { recursive: true });
  const server = await startServer();
  try {
    await fleetOf(server.url);
  } catch (error) {
    await server.stop();
    throw error;
  }
  const way = await startWay(server.url);
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  return {
    way,
    /** A new visitor. `errors` fills with what the browser complains about. */
    async visit(path, { width = 1440, height = 900, scheme = "light" } = {}) {
      const context = await browser.newContext({
        baseURL: way.url,
        viewport: { width, height },
        colorScheme: scheme,
        reducedMotion: "reduce",
      });
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      const errors = [];
      page.on("pageerror", (error) => errors.push(String(error)));
      page.on("console", (message) => {
        if (message.type() === "error") errors.push(`${message.text()} ${message.location().url}`);
      });
      await page.goto(path);
      await page.locator('[data-link="live"]').waitFor();
      return { page, errors, leave: () => context.close() };
    },
    async stop() {
      await browser.close();
      await way.stop();
      await server.stop();
    },
  };
}

export const shot = (page, name) => page.screenshot({ path: join(SHOTS, `${name}.png`) });

/** Serious and critical findings of axe, one line each. */
export async function findings(page) {
  await page.evaluate(`${AXE}; undefined`);
  const { violations } = await page.evaluate(() =>
    axe.run(document, { resultTypes: ["violations"] }),
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.target} ${node.failureSummary}`),
    );
}

export const rows = (page) => page.locator("tr[data-worker]");
export const row = (page, id) => page.locator(`tr[data-worker="${id}"]`);

/** All rows as they are drawn. */
export const drawn = (page) =>
  rows(page).evaluateAll((all) =>
    all.map((element) => ({
      id: element.dataset.worker,
      state: element.dataset.state,
      rev: Number(element.dataset.rev),
      name: element.querySelector("a.name").textContent.trim(),
      load: element.querySelector(".col-cpu").textContent,
      text: element.innerText,
    })),
  );

/**
 * A worker that runs and stays up. The simulated people go home and idle workers are stopped soon, so
 * one is started when none runs, and its deadline is moved out of the way.
 */
export async function oneThatRuns(page) {
  await rows(page).first().waitFor();
  const ask = (id, action, data) => page.request.post(`/api/v1/workers/${id}/${action}`, { data });
  return eventually(
    "a worker runs and may stay up",
    async () => {
      const known = await drawn(page);
      const running = known.find(({ state }) => state === "running");
      if (running === undefined) {
        const resting = known.find(({ state }) => state === "stopped");
        if (resting !== undefined) await ask(resting.id, "start", {});
        return null;
      }
      await ask(running.id, "extend", { seconds: 86_400 });
      const { state, want, rev } = await (
        await page.request.get(`/api/v1/workers/${running.id}`)
      ).json();
      if (state !== "running" || want?.power !== "on") return null;
      const here = (await drawn(page)).find(({ id }) => id === running.id);
      return here?.state === "running" && here.rev >= rev && here;
    },
    120_000,
  );
}
