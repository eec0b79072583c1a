// The first thing that somebody does with AuraReels: `demo`, and the link that it prints.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";

import { launch, Person } from "./support/browser.js";
import { composeOwnTexts, connectByConsent, dragToDay } from "./support/steps.js";
import { cleanEnvironment, ended, setting } from "./support/stack.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

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

  /** What the demo prints until its link, which is the last that a person needs. */
  async function announced() {
    const lines = [];
    for await (const line of createInterface({ input: demo.stdout })) {
      lines.push(line);
      const link = line.match(/https?:\/\/\S+\/dashboard\/login#\S+/)?.[0];
      if (link) {
        demo.stdout.resume();
        const text = lines.join("\n");
        return { link, key: text.match(/AURAREELS_API_KEY=(\S+)/)?.[1], control: text.match(/simulated platforms on (\S+)/)?.[1], video: text.match(/ VIDEO=(\S+)/)?.[1] };
      }
    }
    throw new Error(`the demo ended without a link:\n${lines.join("\n")}`);
  }

  let about;
  let address;

  async function call(service, rpc, body = {}) {
    const headers = { authorization: `Bearer ${about.key}`, "content-type": "application/json" };
    const answer = await fetch(`${address}/aurareels.v1.${service}/${rpc}`, { method: "POST", headers, body: JSON.stringify(body) });
    assert.ok(answer.ok, `${rpc}: ${answer.status}`);
    return answer.json();
  }
  async function simulated(path, body) {
    const answer = await fetch(`${about.control}/_sim/${path}`, body && { method: "POST", body: JSON.stringify(body) });
    assert.ok(answer.ok, `/_sim/${path}: ${answer.status}`);
    return answer.json();
  }

  it("opens the dashboard with what the demo has published", async () => {
    demo = spawn(setting("AURAREELS_BINARY"), ["demo"], { env: cleanEnvironment(), stdio: ["ignore", "pipe", "pipe"] });
    demo.stderr.resume();
    about = await announced();
    await person.logIn(about.link);
    address = new URL(about.link).origin;
    await person.go(address, "/social-posts");
    await page.locator("main li[data-post]").getByText("Published", { exact: true }).first().waitFor();
    await page.locator("main li[data-post] a").first().click();
    await page.getByRole("link", { name: /^Open on / }).waitFor();
    await person.go(address, "/social-calendar");
    await page.locator("main [data-post]").first().waitFor();
    person.quiet();
  });

  it("lets a person with only a browser connect an account, publish to four platforms, and drag a post to tomorrow", async () => {
    await simulated("accounts", { platform: "tiktok", name: "Dora Newcomer", username: "dora.newcomer" });
    await connectByConsent(person, address, { platform: "TikTok", who: /Dora Newcomer/ });
    await person.go(address, "/social-accounts");
    await page.getByRole("article", { name: "TikTok: Dora Newcomer" }).waitFor();
    const { accounts } = await call("AccountService", "ListAccounts");
    const first = (platform) => accounts.find((one) => one.platform === `PLATFORM_${platform.toUpperCase()}`).account_name;
    const others = ["Instagram", "Facebook", "YouTube"].map((platform) => ({ platform, name: first(platform) }));

    const dialog = await composeOwnTexts(page, about.video, [{ platform: "TikTok", name: "Dora Newcomer" }, ...others]);
    await dialog.getByRole("button", { name: "Publish on 4 accounts" }).click();
    await dialog.waitFor({ state: "detached" });
    await person.go(address, "/social-posts?q=Made+for");
    for (const platform of ["TikTok", "Instagram", "Facebook", "YouTube"]) {
      const row = page.locator("main li[data-post]").filter({ hasText: `Made for ${platform}` });
      await row.getByText("Published", { exact: true }).waitFor({ timeout: 90_000 });
      const { posts } = await simulated("posts");
      const seen = posts.filter(({ caption }) => caption.includes(`Made for ${platform}`));
      assert.deepEqual(seen.map((one) => one.platform), [platform.toLowerCase()]);
    }

    // Tomorrow where the person is, in Berlin: today's cell is full and shows only its first posts.
    const at = new Date((Math.floor((Date.now() + 2 * HOUR_MS) / DAY_MS) + 1) * DAY_MS + 12 * HOUR_MS);
    const next = new Date(at.getTime() + DAY_MS);
    const account = accounts.find((one) => one.platform === "PLATFORM_FACEBOOK").id;
    const content = { video_url: about.video, caption: "To tomorrow", privacy_level: "PUBLIC" };
    const { posts: [{ id }] } = await call("PostService", "SchedulePosts", { accounts: [account], content, scheduled_at: { text: at.toISOString() } });
    await person.go(address, `/social-calendar?day=${at.toISOString().slice(0, 10)}`);
    await dragToDay(page, id, next.toISOString().slice(0, 10));
    await person.status(/^Moved to /);
    const moved = await call("PostService", "GetPost", { id });
    assert.equal(Date.parse(moved.scheduled_at), next.getTime());
    person.quiet();
  });
});
