import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { drawn, eventually, findings, rows, shot, start } from "../harness.mjs";

const PAGES = {
  fleet: "/",
  labs: "/labs",
  schedules: "/jobs",
  runs: "/jobs?tab=runs",
  operations: "/jobs?tab=operations",
  settings: "/settings",
  system: "/system",
};

let ui;
let worker;
before(async () => {
  ui = await start();
  const { page, leave } = await ui.visit("/");
  await rows(page).first().waitFor();
  const known = await drawn(page);
  worker = (known.find(({ state }) => state === "running") ?? known[0]).id;
  await leave();
});
after(() => ui?.stop());

async function settle(page) {
  await eventually("it is loaded", async () => (await page.locator(".loading").count()) === 0);
  assert.equal(await page.getByText("cannot be shown").count(), 0);
}

const pages = () => ({
  ...PAGES,
  worker: `/workers/${worker}`,
  "worker-labs": `/workers/${worker}?tab=labs`,
  "worker-activity": `/workers/${worker}?tab=activity`,
  "worker-events": `/workers/${worker}?tab=events`,
});

for (const scheme of ["light", "dark"]) {
  test(`every page is accessible and without complaints, ${scheme}`, async () => {
    const { page, errors, leave } = await ui.visit("/", { scheme });
    for (const [name, path] of Object.entries(pages())) {
      await page.goto(path);
      await page.locator('[data-link="live"]').waitFor();
      await settle(page);
      await shot(page, `${name}-${scheme}`);
      assert.deepEqual(await findings(page), [], name);
    }
    assert.deepEqual(errors, []);
    await leave();
  });
}

test("no page is wider than a small phone", async () => {
  const { page, errors, leave } = await ui.visit("/", { width: 360, height: 780 });
  for (const [name, path] of Object.entries(pages())) {
    await page.goto(path);
    await page.locator('[data-link="live"]').waitFor();
    await settle(page);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    await shot(page, `${name}-phone`);
    assert.equal(width, 360, `${name} is ${width} pixels wide`);
  }
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(errors, []);
  await leave();
});

describe("dark mode", () => {
  const background = (page) =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

  test("follows the system, and the switch is remembered", async () => {
    const light = await ui.visit("/", { scheme: "light" });
    const dark = await ui.visit("/", { scheme: "dark" });
    const [day, night] = [await background(light.page), await background(dark.page)];
    assert.notEqual(day, night);

    const toggle = light.page.getByRole("button", { name: /^Theme: / });
    await toggle.click();
    assert.equal(await background(light.page), day);
    await toggle.click();
    assert.equal(await background(light.page), night);
    await light.page.reload();
    await light.page.locator('[data-link="live"]').waitFor();
    assert.equal(await background(light.page), night);
    await light.leave();
    await dark.leave();
  });
});

test("dialogs are accessible", async () => {
  const { page, errors, leave } = await ui.visit("/");
  await rows(page).first().waitFor();
  for (const name of ["Import", "Create"]) {
    await page.getByRole("button", { name, exact: true }).click();
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await findings(page), [], name);
    await shot(page, name.toLowerCase());
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
  assert.deepEqual(errors, []);
  await leave();
});
