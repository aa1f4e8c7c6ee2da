import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { drawn, eventually, rows, shot, start } from "../harness.mjs";

let ui;
before(async () => (ui = await start()));
after(() => ui?.stop());

test("a cut connection is told, rows are dimmed with their time, and it resumes by itself", async () => {
  const { page, leave } = await ui.visit("/");
  await rows(page).first().waitFor();
  await page.evaluate(() => (window.marker = "still here"));
  const asked = [];
  page.on("request", (request) => {
    if (request.url().includes("/api/v1/events?")) asked.push(new URL(request.url()));
  });
  const before = await drawn(page);

  ui.way.cut();
  await page.locator('[data-link="reconnecting"]').waitFor();
  await page.getByTestId("as-of").waitFor();
  assert.equal(await page.locator(".fleet.stale").count(), 1);
  assert.equal(await rows(page).count(), before.length, "what was known is still shown");
  await shot(page, "reconnecting");

  ui.way.mend();
  await page.locator('[data-link="live"]').waitFor({ timeout: 60_000 });
  await page.getByTestId("as-of").waitFor({ state: "detached" });
  assert.equal(await page.locator(".fleet.stale").count(), 0);
  assert.ok(
    asked.some((url) => url.searchParams.has("last_event_id")),
    "it resumed from where it was",
  );
  await eventually(
    "rows move again",
    async () => {
      const known = new Map(before.map((worker) => [worker.id, worker.load]));
      return (await drawn(page)).some((now) => known.get(now.id) !== now.load);
    },
    60_000,
  );
  assert.equal(await page.evaluate(() => window.marker), "still here");
  await leave();
});

test("an action that cannot reach the server is rolled back and says so", async () => {
  const { page, leave } = await ui.visit("/");
  const id = await eventually(
    "a worker can be stopped or started",
    async () =>
      (await drawn(page)).find(({ state }) => state === "running" || state === "stopped")?.id,
    120_000,
  );
  ui.way.cut();
  await page.locator('[data-link="reconnecting"]').waitFor();
  const state = (await drawn(page)).find((worker) => worker.id === id).state;
  await page
    .locator(`tr[data-worker="${id}"]`)
    .getByRole("button", { name: /^(Stop|Start) / })
    .click();
  const question = page.getByRole("dialog");
  if ((await question.count()) > 0) {
    await question.getByRole("button", { name: "Stop", exact: true }).click();
  }
  await page.getByRole("alert").getByText("cannot be reached").waitFor();
  assert.equal((await drawn(page)).find((worker) => worker.id === id).state, state);
  ui.way.mend();
  await page.getByRole("button", { name: "Retry" }).click();
  await page.locator('[data-link="live"]').waitFor({ timeout: 60_000 });
  await leave();
});
