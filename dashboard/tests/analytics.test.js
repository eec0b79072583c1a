// Numbers of published posts: read at the platform when a person asks, and shown on the post's page and over all posts.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { scene } from "./support/scene.js";
import { until } from "./support/stack.js";

describe("analytics", () => {
  let stack;
  let person;
  let page;
  let id;

  scene((made) => ({ stack, person, page } = made));
  before(async () => {
    const [account] = await stack.connect("PLATFORM_YOUTUBE", { person: "Ada on Tube" });
    const content = { video_url: `${stack.media}/v/numbers.mp4?size=400000&duration=15`, caption: "Counted", privacy_level: "PUBLIC" };
    ({ posts: [{ id }] } = await stack.call("PublishPosts", { accounts: [account.id], content }));
    await until("it is published", async () => (await stack.call("GetPost", { id })).status === "POST_STATUS_PUBLISHED");
  });

  it("a post's numbers are read now, and a number that the platform does not tell is no zero", async () => {
    const [seen] = await stack.visible("Counted");
    await stack.simulated(`youtube/videos/${seen.platform_post_id}`, { views: 1234, likes: 56, comments: 7 });
    await person.go(stack.address, `/social-posts/${id}`);
    const numbers = page.getByRole("region", { name: "Numbers" });
    await numbers.getByRole("button", { name: "Read now" }).click();
    await numbers.locator("[data-number=views]").getByText("1,234").waitFor();
    assert.equal(await numbers.locator("[data-number=likes]").textContent(), "56");
    assert.equal(await numbers.locator("[data-number=shares]").textContent(), "–");
    await person.accessible("a post with numbers");
  });

  it("all posts of a window stand in a table, with what they gained", async () => {
    await person.go(stack.address, "/analytics");
    const row = page.locator(`[data-analytics="${id}"]`);
    await row.getByRole("link", { name: "Counted" }).waitFor();
    await row.getByText("1,234").waitFor();
    await page.locator("[data-gained=views]").getByText("1,234").waitFor();
    await person.accessible("analytics");
    await person.picture("analytics");
    await page.getByRole("combobox", { name: "Platform" }).click();
    await page.getByRole("option", { name: "TikTok" }).click();
    await page.getByText("No post went live in this window.").waitFor();
    person.quiet();
  });
});
