// The main job of every other view: by keyboard, by search and filters, many posts at once, as CSV; and in every language,
// in light and in dark, from phone to wide.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, beforeEach, afterEach, describe, it } from "node:test";

import { Person } from "./support/browser.js";
import { scene } from "./support/scene.js";
import { until } from "./support/stack.js";

const DAY_MS = 86_400_000;
const VIEWS = ["/social-calendar", "/social-calendar?layout=week", "/social-calendar?layout=agenda", "/social-posts", "/review", "/social-accounts", "/analytics", "/media", "/webhooks", "/sessions"];

describe("the views", () => {
  let stack;
  let browser;
  let person;
  let page;
  let accounts;

  scene((made) => ({ stack, browser, person, page } = made));
  before(async () => {
    const [tiktok] = await stack.connect("PLATFORM_TIKTOK", { person: "Ada Makes Things" });
    const [youtube] = await stack.connect("PLATFORM_YOUTUBE", { person: "Ada on Tube" });
    accounts = { tiktok: tiktok.id, youtube: youtube.id };
  });
  beforeEach(() => {
    person.errors = [];
  });
  afterEach((context) => {
    person.quiet();
    return person.picture(`views ${context.name}`.replaceAll(/\W+/g, "-"));
  });

  const post = (id) => stack.call("GetPost", { id });

  async function schedule(caption, at, account = accounts.tiktok) {
    const content = { video_url: `${stack.media}/v/views.mp4?size=400000&duration=15`, caption, privacy_level: "PUBLIC" };
    const request = { accounts: [account], content, scheduled_at: { text: at.toISOString() } };
    return (await stack.call("SchedulePosts", request)).posts[0];
  }

  /** Noon in UTC, so that the day is the same in Berlin. */
  const noon = (days) => new Date((Math.floor(Date.now() / DAY_MS) + days) * DAY_MS + 12 * 3_600_000);
  const dayOf = (date) => date.toISOString().slice(0, 10);

  it("a post is moved by keys alone, and let go by Escape", async () => {
    const at = noon(20);
    const { id } = await schedule("Moved by keys", at);
    await person.go(stack.address, `/social-calendar?day=${dayOf(at)}`);
    const chip = page.locator(`[data-post="${id}"]`);
    await chip.waitFor();
    await page.locator(`[data-day="${dayOf(at)}"]`).focus();
    await page.keyboard.press("Tab");
    assert.equal(await chip.evaluate((one) => one === document.activeElement), true, "Tab goes into the day");
    await page.keyboard.press("Space");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Escape");
    await page.getByText("Let go. Nothing was changed.").waitFor({ state: "attached" });
    assert.equal(Date.parse((await post(id)).scheduled_at), at.getTime());
    await page.keyboard.press("Space");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await person.status(/^Moved to /);
    assert.equal(Date.parse((await post(id)).scheduled_at), at.getTime() + 2 * DAY_MS);
  });

  it("in a week, a drag changes the hour and keeps the minute", async () => {
    const at = noon(21);
    at.setUTCMinutes(25);
    const { id } = await schedule("Moved by an hour", at);
    await person.go(stack.address, `/social-calendar?layout=week&day=${dayOf(at)}`);
    const chip = page.locator(`[data-post="${id}"]`);
    await chip.scrollIntoViewIfNeeded();
    await chip.hover();
    await page.mouse.down();
    const box = await chip.boundingBox();
    await page.mouse.move(box.x + 20, box.y + 80, { steps: 6 });
    await page.mouse.up();
    await person.status(/^Moved to /);
    const moved = new Date((await post(id)).scheduled_at);
    assert.equal(moved.getUTCMinutes(), 25);
    assert.notEqual(moved.getTime(), at.getTime());
  });

  it("a move that somebody else overtook is taken back, and said", async () => {
    const at = noon(27);
    const { id } = await schedule("Overtaken", at);
    await person.go(stack.address, `/social-calendar?day=${dayOf(at)}`);
    const chip = page.locator(`[data-post="${id}"]`);
    await chip.waitFor();
    // The other change is made while this page's request is on its way.
    await page.route("**/ReschedulePost", async (route) => {
      await stack.call("ReschedulePost", { id, scheduled_at: { text: noon(29).toISOString() } });
      await route.continue();
    });
    await page.locator(`[data-day="${dayOf(at)}"]`).focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await person.status(/Somebody changed the post at the same time/);
    await page.unroute("**/ReschedulePost");
    await page.locator(`[data-day="${dayOf(noon(29))}"] [data-post="${id}"]`).waitFor();
    assert.equal(Date.parse((await post(id)).scheduled_at), noon(29).getTime());
  });

  it("an empty day opens the dialog at that time", async () => {
    const at = noon(200);
    await person.go(stack.address, `/social-calendar?day=${dayOf(at)}`);
    await page.locator(`[data-day="${dayOf(at)}"]`).click({ position: { x: 40, y: 90 } });
    const dialog = page.getByRole("dialog");
    await dialog.getByText(String(at.getUTCFullYear())).first().waitFor({ state: "attached" });
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  });

  it("another zone moves the posts to its days, and says so", async () => {
    const at = new Date(noon(30).getTime() + 11 * 3_600_000);
    const { id } = await schedule("Late in the evening", at);
    await person.go(stack.address, `/social-calendar?day=${dayOf(at)}`);
    await page.locator(`[data-day="${dayOf(new Date(at.getTime() + DAY_MS))}"] [data-post="${id}"]`).waitFor();
    const zone = page.getByLabel("Time zone");
    assert.equal(await zone.inputValue(), "Europe/Berlin");
    await zone.selectOption("America/New_York");
    await page.locator(`[data-day="${dayOf(at)}"] [data-post="${id}"]`).waitFor();
    await zone.selectOption("Europe/Berlin");
  });

  it("posts are found by filters and by search, and more come by pages", async () => {
    await schedule("A needle 100% in_the haystack", noon(40), accounts.youtube);
    for (let number = 0; number < 60; number += 1) {
      await schedule(`Hay ${number}`, new Date(noon(41).getTime() + number * 60_000));
    }
    await person.go(stack.address, "/social-posts");
    const rows = page.locator("main li[data-post]");
    await rows.nth(49).waitFor();
    assert.equal(await rows.count(), 50);
    await page.getByRole("button", { name: /^Show more/ }).click();
    await until("more rows", async () => (await rows.count()) > 60);
    await page.getByLabel("Search in captions and links").fill("100% in_the");
    await until("one row", async () => (await rows.count()) === 1);
    await rows.getByText("A needle 100% in_the haystack").waitFor();
    await page.getByRole("combobox", { name: "Platform" }).click();
    await page.getByRole("option", { name: "TikTok" }).click();
    await page.getByText("No post fits these filters.").waitFor();
    assert.match(page.url(), /q=100%25\+in_the/, "the address can be kept");
    await person.click("Clear the filters");
    await rows.nth(1).waitFor();
  });

  it("many posts are cancelled at once, each with its own answer", async () => {
    const first = await schedule("Bulk one", noon(50));
    const second = await schedule("Bulk two", noon(51));
    await person.go(stack.address, "/social-posts?q=Bulk");
    await page.getByRole("checkbox", { name: "Select Bulk one" }).check();
    await page.getByRole("checkbox", { name: "Select Bulk two" }).check();
    await person.click("Reschedule");
    let dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Start" }).click();
    await dialog.getByText("2 of 2 done.").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    assert.equal(Date.parse((await post(first.id)).scheduled_at), noon(51).getTime());
    await page.getByRole("checkbox", { name: "Select Bulk one" }).check();
    await page.getByRole("checkbox", { name: "Select Bulk two" }).check();
    await person.click("Cancel");
    dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Start" }).click();
    await dialog.getByText("2 of 2 done.").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    for (const { id } of [first, second]) {
      assert.equal((await post(id)).status, "POST_STATUS_CANCELLED");
    }
    await page.getByRole("checkbox", { name: "Select Bulk one" }).check();
    await page.getByRole("button", { name: "Retry" }).click();
    dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Start" }).click();
    await dialog.getByText(/Refused: post \d+ is cancelled/).waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
  });

  it("all that a filter finds is exported, without formulas", async () => {
    for (let number = 0; number < 3; number += 1) {
      await schedule(`=HYPERLINK("http://evil.example","click"), Export ${number}`, noon(60 + number));
    }
    await person.go(stack.address, "/social-posts?q=Export");
    const download = page.waitForEvent("download");
    await person.click("Export to CSV");
    const text = await readFile(await (await download).path(), "utf8");
    const lines = text.trimEnd().split("\r\n");
    assert.equal(lines.length, 4);
    assert.match(lines[0], /^\uFEFF"Id","Status","Platform",/);
    lines.slice(1).forEach((line) => assert.match(line, /"'=HYPERLINK\(""http:\/\/evil\.example"",""click""\), Export \d"/));
  });

  it("a post is edited, also when somebody else changed it meanwhile, and cancelled", async () => {
    const { id } = await schedule("Before the edit", noon(70));
    await person.go(stack.address, `/social-posts/${id}`);
    await person.click("Edit");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Caption").fill("After the edit");
    const content = { hashtags: ["other"] };
    await stack.call("UpdatePost", { id, content, update_mask: "hashtags" });
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByText(/Your text is still here/).waitFor();
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    const edited = await post(id);
    assert.deepEqual([edited.caption, edited.hashtags], ["After the edit", ["other"]]);
    await person.click("Cancel the post");
    await page.getByRole("dialog").getByRole("button", { name: "Cancel the post" }).click();
    await page.getByRole("status").getByText("Cancelled", { exact: true }).waitFor();
    assert.equal((await post(id)).status, "POST_STATUS_CANCELLED");
  });

  it("a post is published at once and opened on its platform", async () => {
    const { id } = await schedule("Now, please", noon(80));
    await person.go(stack.address, `/social-posts/${id}`);
    await person.click("Publish now");
    await page.getByRole("dialog").getByRole("button", { name: "Publish now" }).click();
    await page.getByRole("link", { name: "Open on TikTok" }).waitFor();
    const [seen] = await stack.visible("Now, please");
    assert.equal(seen.platform_post_id, (await post(id)).platform_post_id);
  });

  it("every view is accessible, in light and in dark", async () => {
    for (const view of VIEWS) {
      await person.go(stack.address, view);
      await page.locator("main h1").waitFor();
      await person.accessible(view);
    }
    await Promise.all(Array.from({ length: 9 }, (_, index) => schedule(`One of nine ${index}`, noon(75))));
    for (const layout of ["month", "week", "agenda"]) {
      await person.go(stack.address, `/social-calendar?layout=${layout}&day=${dayOf(noon(75))}`);
      await page.getByText(/^One of nine \d/).first().waitFor();
      await person.accessible(`${layout} with posts`);
    }
  });

  it("every view fits a phone, in every language", async () => {
    const { id } = await schedule("On a phone", noon(90));
    await stack.call("PublishPostNow", { id });
    await until("it is published", async () => (await post(id)).platform_post_url);
    for (const locale of ["de-DE", "pt-BR", "es-ES"]) {
      const phone = await Person.open(browser, { locale, viewport: { width: 360, height: 740 }, hasTouch: true });
      phone.core = stack.address;
      const storageState = await person.context.storageState();
      await phone.context.addCookies(storageState.cookies);
      for (const view of [...VIEWS, `/social-posts/${id}`]) {
        await phone.go(stack.address, view);
        await phone.page.locator("main h1").waitFor();
        const wide = await phone.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(wide <= 0, `${view} in ${locale} is ${wide} px too wide`);
        assert.equal(await phone.page.evaluate(() => document.documentElement.lang), locale === "pt-BR" ? "pt-BR" : locale.slice(0, 2));
      }
      phone.quiet();
      await phone.context.close();
    }
  });
});
