// The first thing that somebody does with AuraReels: `demo`, and the link that it prints.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";

import { launch, Person } from "./support/browser.js";
import { cleanEnvironment, ended, setting } from "./support/stack.js";

describe("the demo's link", () => {
  let demo;
  let browser;
  let person;
  let page;

  before(async () => {
    browser = await launch();
    person = await Person.open(browser);
    page = person.page;
  });
  after(async () => {
    await browser?.close();
    await ended(demo, "SIGTERM");
  });

  it("opens the dashboard with what the demo has published", async () => {
    demo = spawn(setting("AURAREELS_BINARY"), ["demo"], { env: cleanEnvironment(), stdio: ["ignore", "pipe", "pipe"] });
    demo.stderr.resume();
    let link;
    for await (const line of createInterface({ input: demo.stdout })) {
      link = line.match(/https?:\/\/\S+\/dashboard\/login#\S+/)?.[0];
      if (link) {
        break;
      }
    }
    assert.ok(link, "the demo ended without a link");
    demo.stdout.resume();
    await person.logIn(link);
    const { origin } = new URL(link);
    await person.go(origin, "/social-posts");
    await page.locator("main li[data-post]").getByText("Published", { exact: true }).first().waitFor();
    await page.locator("main li[data-post] a").first().click();
    await page.getByRole("link", { name: /^Open on / }).waitFor();
    await person.go(origin, "/social-accounts");
    await page.locator("[data-account]").first().waitFor();
    await person.go(origin, "/social-calendar");
    await page.locator("main [data-post]").first().waitFor();
    person.quiet();
  });
});
