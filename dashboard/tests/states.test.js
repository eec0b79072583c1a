// What every view shows while it has nothing, while it waits, when the core does not answer, and without a network; and that
// nothing moves when what was waited for comes.

import assert from "node:assert/strict";
import { afterEach, before, describe, it } from "node:test";

import { scene } from "./support/scene.js";
import { until } from "./support/stack.js";

/** Each view: its address, the call it lives by, and what it says when there is nothing. */
const VIEWS = [
  ["calendar, month", "/social-calendar", "ListPosts", /^No posts here\./],
  ["calendar, week", "/social-calendar?layout=week", "ListPosts", /^No posts here\./],
  ["calendar, agenda", "/social-calendar?layout=agenda", "ListPosts", /^No posts here\./],
  ["posts", "/social-posts", "ListPosts", /^No posts yet\./],
  ["review desk", "/review", "ListPosts", /^Nothing to review\./],
  ["accounts", "/social-accounts", "ListAccounts", /^No account is connected yet\./],
  ["analytics", "/analytics", "ListAnalytics", /^No post went live in this window\./],
  ["uploads", "/media", "ListMedia", /^There are no uploads\./],
  ["webhooks", "/webhooks", "ListWebhookEndpoints", /^There are no endpoints\./],
  // Behind "webhooks", because it makes the endpoint whose log it opens.
  ["webhook log", "/webhooks/1", "ListWebhookDeliveries", /^Nothing was sent to this address yet\./],
  // Whoever looks has a session, so it is never empty.
  ["sessions", "/sessions", "dashboard/sessions", /^Nobody else is logged in as you\./],
];

/** More than this is a bad layout shift score by Core Web Vitals. */
const SHIFT = 0.1;

describe("every view", () => {
  let stack;
  let person;
  let page;

  scene((made) => ({ stack, person, page } = made));
  before(async () => {
    await page.addInitScript(() => {
      window.shifted = 0;
      new PerformanceObserver((list) => {
        list.getEntries().forEach((entry) => (window.shifted += entry.hadRecentInput ? 0 : entry.value));
      }).observe({ type: "layout-shift", buffered: true });
    });
  });
  afterEach(async () => {
    // A test that failed leaves its calls held.
    await page.unrouteAll({ behavior: "ignoreErrors" });
    person.quiet({ killed: true });
    person.errors = [];
  });

  /** Holds or ends the calls that a view lives by. The page itself has other requests with the same word in their address. */
  const calls = (name) => (url) => url.pathname.endsWith(name);

  for (const [name, path, call, empty] of VIEWS) {
    it(`${name}: says that it waits, then that there is nothing, and nothing moves`, async () => {
      if (call === "ListWebhookDeliveries") {
        await stack.call("CreateWebhookEndpoint", { url: "http://127.0.0.1:9/never" });
      }
      let letGo;
      const held = new Promise((go) => (letGo = go));
      const matches = calls(call);
      await page.route(matches, async (route) => {
        if (route.request().resourceType() !== "document") {
          await held;
        }
        await route.continue();
      });
      await page.goto(`${stack.address}/dashboard${path}`);
      // Before its own code is there, a view is only that something is on its way.
      await page.locator("main h1").waitFor();
      const waits = page.locator("main [role=progressbar], main [role=status][aria-label='Loading…']").first();
      await waits.waitFor({ state: "attached" });
      await person.accessible(`${name}, loading`);
      letGo();
      await page.getByText(empty).first().waitFor();
      await page.unroute(matches);
      const shifted = await page.evaluate(() => window.shifted);
      assert.ok(shifted <= SHIFT, `${name}: a layout shift of ${shifted}`);
      await person.accessible(`${name}, empty`);
    });

    it(`${name}: says that the core does not answer, and goes on by a click`, async () => {
      const matches = calls(call);
      await page.route(matches, (route) =>
        route.request().resourceType() === "document" ? route.continue() : route.abort("connectionrefused"),
      );
      await page.goto(`${stack.address}/dashboard${path}`);
      const alert = page.locator("main").getByRole("alert").filter({ hasText: "The core does not answer." });
      await alert.waitFor();
      await person.accessible(`${name}, away`);
      await page.unroute(matches);
      await alert.getByRole("button", { name: "Try again" }).click();
      await page.getByText(empty).first().waitFor();
      await alert.waitFor({ state: "detached" });
    });
  }

  it("says that there is no network, and goes on by itself when it is back", async () => {
    for (const [name, path] of VIEWS) {
      await person.go(stack.address, path);
      const title = page.locator("main h1");
      await title.waitFor();
      await person.context.setOffline(true);
      await page.getByText("You are offline. This page goes on when the network is back.").waitFor();
      assert.equal(await title.isVisible(), true, `${name} stays`);
      await person.context.setOffline(false);
      await until("the banner goes", async () => (await page.getByText(/^You are offline/).count()) === 0);
      await person.live();
    }
    person.errors = person.errors.filter((text) => !text.includes("ERR_INTERNET_DISCONNECTED"));
  });

  it("a post: says that it waits, that the core does not answer, and goes on by a click", async () => {
    const [account] = await stack.connect("PLATFORM_TIKTOK", { person: "Ada Makes Things" });
    const content = { video_url: `${stack.media}/v/states.mp4?size=400000&duration=15`, caption: "Still to come" };
    const { id } = await stack.call("CreateDraft", { account_id: account.id, content });
    const matches = calls("GetPost");
    let letGo;
    const held = new Promise((go) => (letGo = go));
    await page.route(matches, async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(`${stack.address}/dashboard/social-posts/${id}`);
    await page.locator("main [role=status][aria-label='Loading…']").waitFor();
    await person.accessible("a post, loading");
    letGo();
    await page.getByText("Still to come").first().waitFor();
    await page.unroute(matches);
    await page.route(matches, (route) => route.abort("connectionrefused"));
    await page.goto(`${stack.address}/dashboard/social-posts/${id}`);
    const alert = page.locator("main").getByRole("alert").filter({ hasText: "The core does not answer." });
    await alert.waitFor();
    await person.accessible("a post, away");
    await page.unroute(matches);
    await alert.getByRole("button", { name: "Try again" }).click();
    await page.getByText("Still to come").first().waitFor();
    await alert.waitFor({ state: "detached" });
  });

  it("an address without a view, and a post that is not there, are told as that", async () => {
    await page.goto(`${stack.address}/dashboard/nothing-here`);
    await page.getByText("There is nothing at this address.").waitFor();
    await person.accessible("no view");
    await page.goto(`${stack.address}/dashboard/social-posts/4711`);
    await page.getByText("There is no such post, or it is another user’s.").waitFor();
    await person.accessible("no post");
  });
});
