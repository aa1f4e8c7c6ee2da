import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { drawn, eventually, oneThatRuns, rows, shot, start } from "../harness.mjs";

let ui;
before(async () => (ui = await start()));
after(() => ui?.stop());

/** Opens the page of a worker that runs. */
async function open() {
  const visitor = await ui.visit("/");
  const { id } = await oneThatRuns(visitor.page);
  await visitor.page.locator(`tr[data-worker="${id}"] a.name`).click();
  await visitor.page.waitForURL(`**/workers/${id}`);
  return { ...visitor, id };
}

test("a worker's page tells its readiness, load, license and idle deadline", async () => {
  const { page, errors, leave } = await open();
  for (const title of ["Readiness", "Load", "License", "Idle", "Details", "Tags"]) {
    await page.getByRole("heading", { name: title, exact: true }).waitFor();
  }
  assert.ok((await page.locator(".stage").count()) >= 4);
  await eventually(
    "the load is drawn or said to be unknown",
    async () => (await page.locator(".chart svg, .empty").count()) > 0,
  );
  await shot(page, "worker");
  assert.deepEqual(errors, []);
  await leave();
});

test("its tabs can be walked with the arrow keys, and stay over a reload", async () => {
  const { page, errors, leave } = await open();
  await page.getByRole("tab", { name: "Overview" }).focus();
  for (const [name, query] of [
    ["Labs", "tab=labs"],
    ["Activity", "tab=activity"],
    ["Events", "tab=events"],
  ]) {
    await page.keyboard.press("ArrowRight");
    await page.getByRole("tab", { name, selected: true }).waitFor();
    assert.ok(page.url().endsWith(query), page.url());
    await eventually("it is loaded", async () => (await page.locator(".loading").count()) === 0);
    assert.equal(await page.getByText("cannot be shown").count(), 0);
    await shot(page, `worker-${name.toLowerCase()}`);
  }
  await page.reload();
  await page.getByRole("tab", { name: "Events", selected: true }).waitFor();
  assert.deepEqual(errors, []);
  await leave();
});

test("what happens to it appears among its events", async () => {
  const { page, errors, id, leave } = await open();
  await page.goto(`/workers/${id}?tab=events`);
  await eventually("it is loaded", async () => (await page.locator(".loading").count()) === 0);
  const newest = () =>
    page
      .locator('[data-testid="events"] .feed-seq')
      .first()
      .textContent({ timeout: 500 })
      .then(Number, () => 0);
  const before = await newest();
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  const question = page.getByRole("dialog");
  if ((await question.count()) > 0) {
    await question.getByRole("button", { name: "Stop", exact: true }).click();
  }
  await eventually("a newer event is on top", async () => (await newest()) > before);
  await eventually("the page says that it is stopping or stopped", async () =>
    /^Stopp/.test(await page.getByTestId("worker-state").textContent()),
  );
  assert.deepEqual(errors, []);
  await leave();
});

test("termination asks for the name", async () => {
  const { page, errors, leave } = await open();
  const name = await page.getByRole("heading", { level: 1 }).textContent();
  await page.getByRole("button", { name: "Terminate" }).click();
  const dialog = page.getByRole("dialog");
  const sure = dialog.getByRole("button", { name: "Terminate" });
  assert.equal(await sure.isDisabled(), true);
  await dialog.getByRole("textbox").fill(`${name}x`);
  assert.equal(await sure.isDisabled(), true);
  await dialog.getByRole("textbox").fill(name);
  assert.equal(await sure.isDisabled(), false);
  await shot(page, "terminate");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(errors, []);
  await leave();
});

test("a worker that does not exist is said not to exist", async () => {
  const { page, leave } = await ui.visit("/");
  await rows(page).first().waitFor();
  const [{ id }] = await drawn(page);
  // As long as a real id, and of its form.
  const other = id.replace(/[0-9a-f]/g, (c) => ((parseInt(c, 16) + 1) % 16).toString(16));
  await page.goto(`/workers/${other}`);
  await page.getByText("There is no such worker").waitFor();
  await leave();
});
