// An account's life after it was connected: what is left of its quota, what was not allowed, whether its login works, a new
// login, and what disconnecting means for the posts that wait.

import assert from "node:assert/strict";
import { afterEach, before, describe, it } from "node:test";

import { scene } from "./support/scene.js";
import { until } from "./support/stack.js";

const DAY_MS = 86_400_000;

describe("accounts", () => {
  let stack;
  let person;
  let page;
  let tiktok;

  scene((made) => ({ stack, person, page } = made));
  before(async () => {
    [tiktok] = await stack.connect("PLATFORM_TIKTOK", { person: "Ada Makes Things", without: "video.list" });
    await stack.connect("PLATFORM_INSTAGRAM", { person: "Ada Example" });
    await stack.connect("PLATFORM_YOUTUBE", { person: "Ada on Tube" });
  });
  afterEach(() => {
    person.quiet();
    person.errors = [];
  });

  const card = (id) => page.locator(`[data-account="${id}"]`);
  const button = (id, name) => card(id).getByRole("button", { name, exact: true });
  const account = async (id) => (await stack.call("ListAccounts")).accounts.find((one) => one.id === id);

  it("each says what is left of its quota, in the platform's counting", async () => {
    await person.go(stack.address, "/social-accounts");
    const of = (platform) => page.getByRole("article", { name: new RegExp(`^${platform}: `) }).first();
    await of("Instagram").getByText("0 of 50 used in the last 24 hours, as the platform counts").waitFor();
    await of("YouTube").getByText(/^Uploads of the app, for all accounts together: 0 of 100; new at /).waitFor();
    await of("TikTok").getByText("0 posts published by AuraReels in the last 24 hours").waitFor();
  });

  it("what was not allowed is named, with what to do", async () => {
    const alert = card(tiktok.id).getByRole("alert").filter({ hasText: "Not allowed by you at the platform:" });
    await alert.getByText("video.list", { exact: true }).waitFor();
    await alert.getByText(/Reconnect the account and allow them/).waitFor();
    await person.accessible("an account without a permission");
  });

  it("a check of a login that works says so, and a login that is fresh need not be renewed", async () => {
    await button(tiktok.id, "Check").click();
    await person.status("Ada Makes Things: the login works.");
    await button(tiktok.id, "Renew access").click();
    await person.status(/^Ada Makes Things: access (was renewed|is good for a while yet)/);
  });

  it("a check finds a login that the platform has ended, and connecting again mends it", async () => {
    await stack.simulated("tiktok/tokens/kill", { account: tiktok.account_id, access: true, refresh: true });
    await button(tiktok.id, "Check").click();
    await card(tiktok.id).getByText("Reconnect it", { exact: true }).waitFor();
    const alert = card(tiktok.id).getByRole("alert").filter({ hasText: "The platform refuses this login." });
    await alert.waitFor();
    await person.accessible("an account that must be connected again");
    assert.equal(await button(tiktok.id, "New post").isDisabled(), true);
    assert.equal((await account(tiktok.id)).health, "ACCOUNT_HEALTH_NEEDS_RECONNECT");
    await alert.getByRole("button", { name: "Reconnect" }).click();
    await person.click("Go to TikTok");
    await page.getByRole("button", { name: /^Go on to / }).click();
    const who = page.locator("select[name=account]");
    const label = (await who.locator("option").allTextContents()).find((text) => text.includes("Ada Makes Things"));
    await who.selectOption({ label });
    await page.waitForLoadState();
    await person.click("Allow");
    await page.getByRole("heading", { name: "TikTok connected" }).waitFor();
    await person.click("dashboard", "link");
    await person.live();
    await person.go(stack.address, "/social-accounts");
    await card(tiktok.id).getByText("Works", { exact: true }).waitFor();
    assert.equal(await card(tiktok.id).getByText("video.list").count(), 0, "everything was allowed this time");
    assert.equal((await account(tiktok.id)).health, "ACCOUNT_HEALTH_OK");
  });

  it("disconnecting says what it means for the posts that wait, and then it is so", async () => {
    const ids = [];
    for (const caption of ["Waits one", "Waits two"]) {
      const content = { video_url: `${stack.media}/v/waits.mp4?size=400000&duration=15`, caption, privacy_level: "PUBLIC_TO_EVERYONE" };
      const scheduled_at = { text: new Date(Date.now() + (3 + ids.length) * DAY_MS).toISOString() };
      ids.push((await stack.call("SchedulePosts", { accounts: [tiktok.id], content, scheduled_at })).posts[0].id);
    }
    await button(tiktok.id, "Disconnect").click();
    const dialog = page.getByRole("dialog", { name: "Disconnect Ada Makes Things?" });
    await dialog.getByText("2 scheduled posts of this account will fail and not be published.").waitFor();
    await dialog.getByText(/Waits one/).waitFor();
    await person.accessible("disconnecting");
    await dialog.getByRole("button", { name: "Disconnect" }).click();
    await person.status("Ada Makes Things is disconnected. 2 scheduled posts failed.");
    for (const id of ids) {
      assert.equal((await stack.call("GetPost", { id })).status, "POST_STATUS_FAILED");
    }
    await page.getByRole("button", { name: /1 disconnected account/ }).click();
    await button(tiktok.id, "Reconnect").waitFor();
    await until("the platform was told", async () => (await stack.simulated("requests?operation=tiktok.revoke")).requests.length === 1);
    assert.equal((await account(tiktok.id)).is_active ?? false, false);
  });
});
