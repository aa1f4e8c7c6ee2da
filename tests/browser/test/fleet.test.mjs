import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { drawn, eventually, oneThatRuns, row, rows, shot, start } from "../harness.mjs";

let ui;
before(async () => (ui = await start()));
after(() => ui?.stop());

test("the fleet is shown and says that it is live", async () => {
  const { page, errors, leave } = await ui.visit("/");
  await rows(page).first().waitFor();
  const { items } = await (await page.request.get("/api/v1/workers?limit=1000")).json();
  await eventually("there is a row for every worker", async () => {
    const shown = new Set((await drawn(page)).map((worker) => worker.id));
    return items.every((worker) => shown.has(worker.id));
  });
  assert.equal(await page.getByText("as of").count(), 0);
  await shot(page, "fleet");
  assert.deepEqual(errors, []);
  await leave();
});

test("rows change without a reload", async () => {
  const { page, errors, leave } = await ui.visit("/");
  await rows(page).first().waitFor();
  await page.evaluate(() => (window.marker = "still here"));
  const before = new Map((await drawn(page)).map((worker) => [worker.id, worker]));

  const changed = async (key) =>
    (await drawn(page)).some((now) => before.has(now.id) && before.get(now.id)[key] !== now[key]);
  await eventually("the load of some row changes", () => changed("load"), 60_000);
  await eventually("the state of some row changes", () => changed("state"), 120_000);

  assert.equal(await page.evaluate(() => window.marker), "still here");
  assert.deepEqual(errors, []);
  await leave();
});

test("stop shows at once, then the server carries it out, and start brings the worker back", async () => {
  const { page, errors, leave } = await ui.visit("/");
  await page.evaluate(() => (window.marker = "still here"));
  const { id, rev } = await oneThatRuns(page);

  await row(page, id)
    .getByRole("button", { name: /^Stop / })
    .click();
  const question = page.getByRole("dialog");
  if ((await question.count()) > 0) {
    await shot(page, "stop-question");
    await question.getByRole("button", { name: "Stop", exact: true }).click();
  }
  await page
    .locator(`tr[data-worker="${id}"]:is([data-state="stopping"],[data-state="stopped"])`)
    .waitFor();
  await shot(page, "stopping");
  await page.locator(`tr[data-worker="${id}"][data-state="stopped"]`).waitFor({ timeout: 120_000 });
  const stopped = (await drawn(page)).find((worker) => worker.id === id);
  assert.ok(stopped.rev > rev, "the server has spoken");

  await row(page, id)
    .getByRole("button", { name: /^Start / })
    .click();
  await page.locator(`tr[data-worker="${id}"]:not([data-state="stopped"])`).waitFor();
  await page.locator(`tr[data-worker="${id}"][data-state="running"]`).waitFor({ timeout: 120_000 });
  assert.equal(await page.evaluate(() => window.marker), "still here");
  assert.deepEqual(errors, []);
  await leave();
});

test("a refused action is rolled back with the reason", async () => {
  const { page, leave } = await ui.visit("/");
  const { id } = await oneThatRuns(page);
  await page.route(`**/api/v1/workers/${id}/stop`, (route) =>
    route.fulfill({
      status: 409,
      contentType: "application/problem+json",
      body: JSON.stringify({ title: "Conflict", detail: "A class is going on.", code: "busy" }),
    }),
  );
  await row(page, id)
    .getByRole("button", { name: /^Stop / })
    .click();
  const question = page.getByRole("dialog");
  if ((await question.count()) > 0) {
    await question.getByRole("button", { name: "Stop", exact: true }).click();
  }
  await page.getByRole("alert").getByText("A class is going on.").waitFor();
  assert.equal(await row(page, id).getAttribute("data-state"), "running");
  await shot(page, "refused");
  await leave();
});

test("filters and order live in the address", async () => {
  const { page, leave } = await ui.visit("/");
  await rows(page).first().waitFor();
  const [{ id, name }] = await drawn(page);
  await page.keyboard.press("/");
  await page.keyboard.type(name);
  await eventually("one row is left", async () => (await rows(page).count()) === 1);
  assert.equal(new URL(page.url()).searchParams.get("q"), name);

  await page.reload();
  await row(page, id).waitFor();
  assert.equal(await rows(page).count(), 1);

  await page.goto("/?sort=-name");
  await rows(page).first().waitFor();
  const names = (await drawn(page)).map((worker) => worker.name);
  assert.deepEqual(
    names,
    [...names].sort((a, b) => -a.localeCompare(b, "en", { numeric: true })),
  );

  await page.goto("/?q=nobody-is-called-like-this");
  await page.getByText("No worker matches").waitFor();
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await eventually("all rows are back", async () => (await rows(page).count()) >= names.length);
  await leave();
});

test("several workers are started or stopped together", async () => {
  const { page, errors, leave } = await ui.visit("/");
  await rows(page).first().waitFor();
  const [verb, from, pair] = await eventually(
    "two workers run, or two rest",
    async () => {
      const now = await drawn(page);
      for (const [verb, from] of [
        ["Stop", "running"],
        ["Start", "stopped"],
      ]) {
        const pair = now.filter(({ state }) => state === from).slice(0, 2);
        if (pair.length === 2) return [verb, from, pair];
      }
      return null;
    },
    120_000,
  );
  for (const { id } of pair) await row(page, id).getByRole("checkbox").check();
  const bar = page.getByRole("toolbar", { name: "Selected workers" });
  await bar.getByText("2 selected").waitFor();
  await shot(page, "bulk");
  await bar.getByRole("button", { name: new RegExp(`^${verb}`) }).click();
  if (verb === "Stop") {
    await page.getByRole("dialog").getByRole("button", { name: /^Stop/ }).click();
  }
  for (const { id } of pair) {
    await page.locator(`tr[data-worker="${id}"]:not([data-state="${from}"])`).waitFor();
  }
  await bar.getByRole("button", { name: "Clear the selection" }).click();
  await bar.waitFor({ state: "detached" });
  assert.deepEqual(errors, []);
  await leave();
});

test("the keyboard finds a worker and opens its page", async () => {
  const { page, errors, leave } = await ui.visit("/");
  await rows(page).first().waitFor();
  const [{ id, name }] = await drawn(page);
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Worker or page" }).waitFor();
  await page.keyboard.type(name);
  await shot(page, "palette");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/workers/${id}`);

  await page.keyboard.press("g");
  await page.keyboard.press("j");
  await page.waitForURL("**/jobs");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  assert.deepEqual(errors, []);
  await leave();
});

test("who may only look is not offered what would be refused", async () => {
  const { page, errors, leave } = await ui.visit("/");
  await rows(page).first().waitFor();
  assert.ok((await page.getByRole("button", { name: /^(Stop|Start|Refresh) / }).count()) > 0);
  await page.getByRole("combobox", { name: "Role" }).selectOption("viewer");
  await page.waitForLoadState("domcontentloaded");
  await eventually(
    "the buttons are gone",
    async () =>
      (await rows(page).count()) > 0 &&
      (await page.getByRole("button", { name: /^(Stop|Start|Refresh) / }).count()) === 0,
  );
  assert.equal(await page.getByRole("button", { name: "Create" }).count(), 0);
  assert.deepEqual(errors, []);
  await leave();
});
