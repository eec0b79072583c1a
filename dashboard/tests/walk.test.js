// The whole walk of a person with only a browser: from a one-time link to four connected accounts, four posts with a text
// of their own each, a post dragged to tomorrow, a failure explained, a review settled. Each step is asserted in the core
// and on the simulated platforms.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { scene } from "./support/scene.js";
import { composeOwnTexts, connectByConsent, dragToDay } from "./support/steps.js";
import { until } from "./support/stack.js";

const DAY_MS = 86_400_000;
const PLATFORMS = [
  ["TikTok", "TikTok", /Ada Makes Things/],
  ["Instagram", "Instagram · Facebook login (Instagram accounts linked to a Page)", /Ada Example/],
  ["Facebook", "Facebook", /Ben Example/],
  ["YouTube", "YouTube", /Ada on Tube/],
];

describe("a person with only a browser", () => {
  let stack;
  let person;
  let page;
  let lost;
  let broken;

  // A post that is unknown goes to a person after a minute.
  scene((made) => ({ stack, person, page } = made), { settings: { AURAREELS_REVIEW_AFTER_SECONDS: "60" }, loggedIn: false });

  /** A test, and what the page looked like when it failed. */
  function step(name, run) {
    it(name, async () => {
      assert.equal(broken, undefined, "each step goes on from the one before");
      try {
        await run();
      } catch (error) {
        broken = name;
        await person.picture(`failed ${name}`.replaceAll(/\W+/g, "-"));
        throw error;
      }
    });
  }

  const content = (caption, more = {}) => ({
    video_url: `${stack.media}/v/walk.mp4?size=400000&duration=15`,
    caption,
    privacy_level: "PUBLIC",
    ...more,
  });
  const post = async (id) => stack.call("GetPost", { id });
  const account = async (platform) => {
    const { accounts } = await stack.call("ListAccounts");
    return accounts.find((one) => one.platform === `PLATFORM_${platform.toUpperCase()}`);
  };

  /** Posts of other days around one, so that the calendar has something to show. */
  const others = async (around) => {
    const captions = ["Behind the scenes", "Three knots in a minute", "What the sea brought", "Bread, day two", "Questions from you"];
    for (let number = 0; number < 16; number += 1) {
      const at = new Date(around.getTime() + (number < 8 ? number - 10 : number - 5) * DAY_MS + ((number % 5) - 2) * 4_500_000);
      const accounts = [(await account(PLATFORMS[number % PLATFORMS.length][0])).id];
      await stack.call("SchedulePosts", { accounts, content: content(captions[number % captions.length]), scheduled_at: { text: at.toISOString() } });
    }
  };

  step("logs in by a link", async () => {
    await person.logIn(await stack.link());
    assert.equal(new URL(page.url()).hash, "", "the secret leaves the address");
  });

  step("connects four accounts through the platforms' consent pages", async () => {
    for (const [platform, choice, who] of PLATFORMS) {
      await connectByConsent(person, stack.address, { platform, choice, who });
      const connected = await until(`${platform} is connected`, () => account(platform));
      await person.go(stack.address, "/social-accounts");
      await page.getByText(connected.account_name).first().waitFor();
    }
    await person.accessible("accounts");
    await page.locator("main .MuiSkeleton-root").first().waitFor({ state: "detached" });
    await person.picture("accounts");
  });

  step("publishes to four platforms with a caption of its own on each", async () => {
    // Meanwhile a pull whose answer is lost becomes a case for the review desk.
    await stack.simulated("faults", { match: { operation: "tiktok.video_init" }, action: { type: "cut", when: "before" } });
    const options = { platform_options: { tiktok: { transfer: "TIK_TOK_TRANSFER_PULL_FROM_URL" } } };
    const accounts = [(await account("TikTok")).id];
    ({ posts: [lost] } = await stack.call("PublishPosts", { accounts, content: content("A lost answer", options) }));
    await until("the answer is lost", async () => (await post(lost.id)).status === "POST_STATUS_CONFIRMING");

    await person.go(stack.address, "/social-accounts");
    const chosen = await Promise.all(PLATFORMS.map(async ([platform]) => ({ platform, name: (await account(platform)).account_name })));
    const dialog = await composeOwnTexts(page, content("").video_url, chosen);
    await person.accessible("publish dialog");
    await dialog.getByRole("heading", { name: /^Posting as / }).evaluate((heading) => heading.scrollIntoView({ block: "center" }));
    await person.picture("publish");
    await dialog.getByRole("button", { name: "Publish on 4 accounts" }).click();
    await dialog.waitFor({ state: "detached" });

    const { posts } = await until("four posts", async () => {
      const answer = await stack.call("ListPosts", { page_size: 50 });
      return answer.posts.filter(({ caption }) => caption.startsWith("Made for")).length === 4 && answer;
    });
    const made = posts.filter(({ caption }) => caption.startsWith("Made for"));
    for (const { id } of made) {
      await until(`post ${id} is published`, async () => (await post(id)).status === "POST_STATUS_PUBLISHED", 90_000);
    }
    for (const [platform] of PLATFORMS) {
      const seen = await stack.visible(`Made for ${platform}`);
      assert.deepEqual(seen.map((one) => one.platform), [platform.toLowerCase()]);
    }
    await page.getByRole("link", { name: "Posts", exact: true }).first().click();
    for (const [platform] of PLATFORMS) {
      const row = page.getByRole("listitem").filter({ hasText: `Made for ${platform}` });
      await row.getByText("Published", { exact: true }).waitFor();
    }
  });

  step("drags a post to tomorrow, and takes it back", async () => {
    const at = new Date(Math.ceil(Date.now() / DAY_MS) * DAY_MS + 14 * DAY_MS + 10 * 3_600_000);
    const accounts = [(await account("Instagram")).id];
    const request = { accounts, content: content("To be dragged"), scheduled_at: { text: at.toISOString() } };
    const { posts: [{ id }] } = await stack.call("SchedulePosts", request);
    await others(at);
    const day = at.toISOString().slice(0, 10);
    const next = new Date(at.getTime() + DAY_MS);
    await person.go(stack.address, `/social-calendar?day=${day}`);
    const drag = () => dragToDay(page, id, next.toISOString().slice(0, 10));
    await drag();
    await person.status(/^Moved to /);
    assert.equal(Date.parse((await post(id)).scheduled_at), next.getTime());
    await person.click("Undo");
    await person.status(/^Moved back to /);
    assert.equal(Date.parse((await post(id)).scheduled_at), at.getTime());
    await drag();
    await until("it is dragged again", async () => Date.parse((await post(id)).scheduled_at) === next.getTime());
    await person.picture("calendar");
    // The click after a drop opens nothing; one without a drag opens the post.
    await page.locator(`[data-day="${next.toISOString().slice(0, 10)}"] [data-post="${id}"]`).click();
    await page.waitForURL(`**/dashboard/social-posts/${id}`);
  });

  step("sees why a post failed, and what to do", async () => {
    await stack.simulated("tiktok/behaviour", { outcome: "fail", fail_reason: "spam_risk_text", tasks: 1 });
    const accounts = [(await account("TikTok")).id];
    const { posts: [{ id }] } = await stack.call("PublishPosts", { accounts, content: content("Taken for spam") });
    await until("it failed", async () => (await post(id)).status === "POST_STATUS_FAILED");
    await person.go(stack.address, `/social-posts/${id}`);
    const alert = page.getByRole("alert").filter({ hasText: "Why it failed" });
    const { error } = await post(id);
    await alert.getByText(error.message).waitFor();
    await alert.getByText(error.remediation).waitFor();
    await alert.getByText(error.code).waitFor();
    await page.getByText("tiktok.upload_last").waitFor();
    await person.accessible("post page");
    await person.picture("post");
    assert.equal((await stack.visible("Taken for spam")).length, 0);
    // It is proven that it is not there: retrying posts it once.
    await person.click("Retry");
    await page.getByRole("dialog").getByRole("button", { name: "Retry" }).click();
    await page.getByRole("status").getByText("Published", { exact: true }).waitFor({ timeout: 60_000 });
    assert.equal((await stack.visible("Taken for spam")).length, 1);
    assert.equal((await post(id)).status, "POST_STATUS_PUBLISHED");
  });

  step("settles a review", async () => {
    await until("the lost post is in review", async () => (await post(lost.id)).status === "POST_STATUS_NEEDS_REVIEW", 120_000);
    await person.go(stack.address, "/review");
    const card = page.locator(`[data-review="${lost.id}"]`);
    await card.getByText("A lost answer").waitFor();
    await card.getByText(/no listed video matches/).first().waitFor();
    await card.getByText("Made for TikTok").waitFor();
    await person.accessible("review desk");
    await person.picture("review");
    await card.getByRole("radio", { name: "No, it is not there" }).check();
    await card.getByLabel("Who looked, and what was seen").fill("Ada looked");
    await card.getByText(/a retry posts it twice/).waitFor();
    await card.getByRole("button", { name: "Settle" }).click();
    await card.getByText("Settled: it is not there.").waitFor();
    const settled = await post(lost.id);
    assert.deepEqual([settled.status, settled.error.code], ["POST_STATUS_FAILED", "RESOLVED_NOT_PUBLISHED"]);
    await card.getByRole("button", { name: "Retry it" }).click();
    await until("it is published", async () => (await post(lost.id)).status === "POST_STATUS_PUBLISHED");
    assert.equal((await stack.visible("A lost answer")).length, 1);
  });

  step("has seen no error in the console", () => person.quiet());
});
