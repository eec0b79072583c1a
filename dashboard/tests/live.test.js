// What one does, the other sees; and a core that is killed and comes back is noticed, and nothing is missed.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { Person } from "./support/browser.js";
import { scene } from "./support/scene.js";
import { until } from "./support/stack.js";

const DAY_MS = 86_400_000;

describe("a live page", () => {
  let stack;
  let browser;
  let account;

  scene((made) => ({ stack, browser } = made), { loggedIn: false });
  before(async () => {
    [account] = await stack.connect("PLATFORM_TIKTOK", { person: "Ada Makes Things" });
  });

  async function schedule(caption) {
    const content = { video_url: `${stack.media}/v/live.mp4?size=400000&duration=15`, caption, privacy_level: "PUBLIC" };
    const scheduled_at = { text: new Date(Date.now() + 3 * DAY_MS).toISOString() };
    return (await stack.call("SchedulePosts", { accounts: [account.id], content, scheduled_at })).posts[0];
  }

  it("shows in one browser what is done in another", async () => {
    const [ada, ben] = [await Person.open(browser), await Person.open(browser)];
    await ada.logIn(await stack.link());
    await ben.logIn(await stack.link());
    const { id } = await schedule("Seen by both");
    await ada.go(stack.address, `/social-posts/${id}`);
    await ben.go(stack.address, "/social-posts?q=Seen");
    const row = ben.page.locator(`li[data-post="${id}"]`);
    await row.getByText("Scheduled", { exact: true }).waitFor();
    await ada.click("Cancel the post");
    await ada.page.getByRole("dialog").getByRole("button", { name: "Cancel the post" }).click();
    await row.getByText("Cancelled", { exact: true }).waitFor({ timeout: 5_000 });
    ada.quiet();
    ben.quiet();
    await ada.context.close();
    await ben.context.close();
  });

  it("says that the core is away, comes back by itself and has missed nothing", async () => {
    const person = await Person.open(browser);
    await person.logIn(await stack.link());
    const { id } = await schedule("Before the crash");
    await person.go(stack.address, "/social-posts");
    const row = person.page.locator(`li[data-post="${id}"]`);
    await row.getByText("Scheduled", { exact: true }).waitFor();
    await stack.killCore();
    await person.status(/^The core does not answer\. This page tries again by itself/);
    await row.waitFor();
    await stack.startCore();
    // Done past this page, while its stream is still broken or just back.
    await stack.call("CancelPost", { id });
    const { id: added } = await schedule("Made meanwhile");
    await person.live();
    await row.getByText("Cancelled", { exact: true }).waitFor();
    await person.page.locator(`li[data-post="${added}"]`).waitFor();
    await until("the banner goes", async () => (await person.page.getByText(/tries again by itself/).count()) === 0);
    person.quiet({ killed: true });
    await person.context.close();
    assert.equal((await stack.call("GetPost", { id })).status, "POST_STATUS_CANCELLED");
  });
});
