// The publish dialog beyond the walk: an upload with its progress, broken rules while one types, counters in each platform's
// unit, first comments, covers, options of each network; and every demand of TikTok's content sharing guidelines
// (https://developers.tiktok.com/docs/en/content-sharing-guidelines), so that an app may pass the audit with this page.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFile, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, before, beforeEach, describe, it } from "node:test";

import { scene } from "./support/scene.js";
import { until } from "./support/stack.js";

describe("a new post", () => {
  let stack;
  let person;
  let page;

  scene((made) => ({ stack, person, page } = made));

  const dialog = () => page.getByRole("dialog");
  const toDo = () => dialog().locator("[data-to-do]");
  const box = (name) => dialog().getByRole("checkbox", { name });
  const link = (name = "publish") => `${stack.media}/v/${name}.mp4?size=400000&duration=15`;
  const post = (id) => stack.call("GetPost", { id });

  /** Opens the dialog afresh, with a linked video and accounts chosen. */
  async function compose(accounts, video = link()) {
    await person.go(stack.address, "/social-posts");
    await person.click("New post");
    await dialog().getByRole("button", { name: "Link", exact: true }).click();
    await dialog().getByLabel("Link to the video").fill(video);
    for (const { account_name: name } of accounts) {
      await box(new RegExp(`: ${name}\\b`)).check();
    }
  }

  async function choose(field, option) {
    await field.click();
    await page.getByRole("option", { name: option, exact: true }).click();
  }

  /** Every post of the user whose caption begins so. */
  async function made(caption, count = 1) {
    return until(`${count} posts that begin with ${caption}`, async () => {
      const { posts = [] } = await stack.call("ListPosts", { page_size: 100 });
      const found = posts.filter((one) => one.caption.startsWith(caption));
      return found.length === count && found;
    });
  }

  /** The next last Sunday of March, as it is typed: there Europe's clocks are put forward. */
  function nextClockChange() {
    const now = new Date();
    for (const year of [now.getUTCFullYear(), now.getUTCFullYear() + 1]) {
      const day = new Date(Date.UTC(year, 2, 31));
      day.setUTCDate(31 - day.getUTCDay());
      if (day > now) {
        return `${String(day.getUTCDate()).padStart(2, "0")}03${year}`;
      }
    }
    throw new Error("no March is to come");
  }

  const published = (id) => until(`post ${id} is published`, async () => (await post(id)).status === "POST_STATUS_PUBLISHED" && post(id));

  describe("the publish dialog", () => {
    const accounts = {};

    before(async () => {
      [accounts.instagram] = await stack.connect("PLATFORM_INSTAGRAM", { person: "Ada Example" });
      [accounts.facebook] = await stack.connect("PLATFORM_FACEBOOK", { person: "Ben Example" });
      [accounts.youtube] = await stack.connect("PLATFORM_YOUTUBE", { person: "Ada on Tube" });
    });
    beforeEach(() => {
      person.errors = [];
    });
    afterEach(() => person.quiet());

    const panel = (platform) => dialog().getByRole("button", { name: platform, exact: true });
    const region = (platform) => dialog().getByRole("region", { name: platform });

    it("uploads a video from this device with its progress, and publishes the same bytes", async () => {
      const bytes = Buffer.from(await (await fetch(`${stack.media}/v/device.mp4?size=3000000&duration=15`)).arrayBuffer());
      const folder = await mkdtemp(join(tmpdir(), "aurareels-upload-"));
      const file = join(folder, "from this device.mp4");
      await writeFile(file, bytes);
      await person.go(stack.address, "/social-posts");
      await person.click("New post");
      // The request is held so that its progress can be looked at.
      let letGo;
      const held = new Promise((go) => (letGo = go));
      await page.route("**/UploadMedia", async (route) => {
        await held;
        await route.continue();
      });
      await dialog().locator("input[type=file]").setInputFiles(file);
      await dialog().getByRole("progressbar", { name: "Uploading from this device.mp4" }).waitFor();
      await dialog().getByText(/wait for the upload/).waitFor();
      letGo();
      await dialog().getByLabel("Chosen video: from this device.mp4").waitFor();
      await page.unroute("**/UploadMedia");
      await rm(folder, { recursive: true });
      await box(new RegExp(`: ${accounts.facebook.account_name}\\b`)).check();
      await dialog().getByLabel("Caption", { exact: true }).fill("From this device");
      await dialog().getByRole("button", { name: "Publish now" }).click();
      await dialog().waitFor({ state: "detached" });
      const [{ id }] = await made("From this device");
      await published(id);
      const [seen] = await stack.visible("From this device");
      assert.equal(seen.sha256, createHash("sha256").update(bytes).digest("hex"));
    });

    it("counts in each platform's own unit, and says which rules are broken while one types", async () => {
      await compose([accounts.instagram, accounts.youtube]);
      const caption = dialog().getByLabel("Caption", { exact: true });
      await caption.fill("👋 é");
      // UTF-16 units for Instagram; bytes for YouTube.
      await dialog().locator("[data-counter=Instagram]").getByText("Instagram: 4 of 2,200").waitFor();
      await dialog().locator("[data-counter=YouTube]").getByText("YouTube: 7 of 5,000 bytes").waitFor();
      const button = dialog().getByRole("button", { name: "Publish on 2 accounts" });
      await caption.fill("a".repeat(2_201));
      await dialog().getByRole("alert").filter({ hasText: "CAPTION_TOO_LONG" }).waitFor();
      assert.equal(await button.isDisabled(), true);
      await caption.fill(`${Array.from({ length: 31 }, (_, number) => `#t${number}`).join(" ")}`);
      await dialog().getByRole("alert").filter({ hasText: "HASHTAGS" }).first().waitFor();
      assert.equal(await button.isDisabled(), true);
      await caption.fill("Short enough");
      await dialog().getByText("No rule is broken.").waitFor();
      await until("it may be sent", () => button.isEnabled());
      await person.click("Close");
      await dialog().getByRole("button", { name: "Discard" }).click();
    });

    it("takes hashtags as chips, typed and pasted, and shows the text as it will be sent", async () => {
      await compose([accounts.instagram]);
      await dialog().getByLabel("Caption", { exact: true }).fill("With chips #Aura");
      const tags = dialog().getByRole("combobox", { name: "Hashtags" });
      await tags.pressSequentially("reels ");
      await tags.fill("#two, #aura ");
      await dialog().getByRole("button", { name: "#reels" }).waitFor();
      await dialog().getByRole("button", { name: "#two" }).waitFor();
      await dialog().locator("[data-full-caption]").getByText("With chips #Aura #reels #two", { exact: true }).waitFor();
      await dialog().getByRole("button", { name: "Publish now" }).click();
      await dialog().waitFor({ state: "detached" });
      const [{ id }] = await made("With chips");
      await published(id);
      assert.equal((await stack.visible("With chips"))[0].caption, "With chips #Aura #reels #two");
    });

    it("publishes first comments, titles and a cover picture of one's own on each network", async () => {
      const picture = await page.screenshot({ type: "jpeg", clip: { x: 0, y: 0, width: 720, height: 900 } });
      const server = createServer((_, response) => response.writeHead(200, { "content-type": "image/jpeg", "content-length": picture.length }).end(picture));
      await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
      // A test that fails does not keep the process.
      server.unref();
      const cover = `http://127.0.0.1:${server.address().port}/cover.jpg`;
      await compose([accounts.instagram, accounts.facebook, accounts.youtube]);
      await dialog().getByLabel("Caption", { exact: true }).fill("With comments ✨");
      for (const platform of ["Instagram", "Facebook", "YouTube"]) {
        await panel(platform).click();
        await region(platform).getByLabel("First comment").fill(`First on ${platform}`);
      }
      await region("Facebook").getByLabel("Title").fill("A title for the Page");
      await region("YouTube").getByLabel("Title").fill("A title for the channel");
      await choose(region("YouTube").getByRole("combobox", { name: "Made for kids" }), "No");
      await dialog().getByLabel("Cover picture").fill(cover);
      await choose(dialog().getByRole("combobox", { name: "Preview for" }), `YouTube · ${accounts.youtube.account_name}`);
      await dialog().locator("[data-preview=YouTube]").getByText("A title for the channel").waitFor();
      await dialog().getByText("First on YouTube").last().waitFor();
      await person.accessible("the options of three networks");
      const button = dialog().getByRole("button", { name: "Publish on 3 accounts" });
      await until("it may be sent", () => button.isEnabled());
      await button.click();
      await dialog().waitFor({ state: "detached" });
      for (const { id } of await made("With comments", 3)) {
        await published(id);
      }
      const seen = await until("each has its comment", async () => {
        const all = await stack.visible("With comments");
        return all.length === 3 && all.every(({ comments }) => comments.length === 1) && all;
      });
      const comments = Object.fromEntries(seen.map((one) => [one.platform, one.comments[0]]));
      assert.deepEqual(comments, { instagram: "First on Instagram", facebook: "First on Facebook", youtube: "First on YouTube" });
      const posts = await made("With comments", 3);
      const of = (account) => posts.find(({ social_account_id: id }) => id === account.id);
      assert.deepEqual([of(accounts.instagram).thumbnail_url, of(accounts.youtube).thumbnail_url], [cover, cover]);
      assert.equal(of(accounts.youtube).platform_options.youtube.title, "A title for the channel");
      assert.equal(of(accounts.youtube).platform_options.youtube.made_for_kids, false);
      assert.equal(of(accounts.facebook).platform_options.facebook.title, "A title for the Page");
      server.close();
    });

    it("makes a post from a workflow's video, with the text that came with it", async () => {
      const ai = { titles: ["A title by a model"], description: "Described by a model", hashtags: ["#model"] };
      await stack.call("PutVideoJob", { video_job: { video_job_id: "job-1", video_url: link("job"), ai_metadata: ai } });
      await stack.call("PutVideoJob", { video_job: { video_job_id: "job-2", ai_metadata: { titles: ["Still being made"] } } });
      await person.go(stack.address, "/social-posts");
      await person.click("New post");
      await dialog().getByRole("button", { name: "From a workflow" }).click();
      const waiting = dialog().getByRole("button", { name: /^Still being made/ });
      assert.equal(await waiting.getAttribute("aria-disabled"), "true");
      await dialog().getByRole("button", { name: /^A title by a model/ }).click();
      const caption = dialog().getByLabel("Caption", { exact: true });
      assert.equal(await caption.inputValue(), "Described by a model");
      await dialog().getByRole("button", { name: "#model" }).waitFor();
      await caption.fill("Edited by a person");
      await box(new RegExp(`: ${accounts.youtube.account_name}\\b`)).check();
      const button = dialog().getByRole("button", { name: "Publish now" });
      await until("it may be sent", () => button.isEnabled());
      await button.click();
      await dialog().waitFor({ state: "detached" });
      const [{ id }] = await made("Edited by a person");
      const sent = await published(id);
      assert.deepEqual([sent.video_job_id, sent.platform_options.youtube.title], ["job-1", "A title by a model"]);
      // Whatever made the video may link to this.
      await page.goto(`${stack.address}/dashboard/publish/job-1`);
      await dialog().getByLabel("Chosen video: A title by a model").waitFor();
      assert.equal(await dialog().getByLabel("Caption", { exact: true }).inputValue(), "Described by a model");
    });

    it("schedules for a wall time, and takes it back by one click", async () => {
      await compose([accounts.facebook]);
      await dialog().getByLabel("Caption", { exact: true }).fill("Taken back");
      await dialog().getByRole("radio", { name: "At a time" }).check();
      await dialog().getByText(/^That is .*, in /).waitFor();
      // On this day the clocks are put forward over this time.
      const spring = nextClockChange();
      await dialog().getByRole("spinbutton", { name: "Day" }).click();
      await page.keyboard.type(`${spring}0230`);
      await dialog().getByText(/^Clocks in Europe\/Berlin are put forward over this time/).waitFor();
      await toDo().getByText(/choose a date and time/).waitFor();
      assert.equal(await dialog().getByRole("button", { name: "Schedule", exact: true }).isDisabled(), true);
      await dialog().getByRole("spinbutton", { name: "Day" }).click();
      await page.keyboard.type(`${spring}0330`);
      await dialog().getByText(/^Clocks in Europe\/Berlin change before then, from /).waitFor();
      await dialog().getByRole("button", { name: "Schedule", exact: true }).click();
      await person.status(/^The post is scheduled for /);
      const [{ id }] = await made("Taken back");
      assert.equal((await post(id)).status, "POST_STATUS_SCHEDULED");
      await person.click("Undo");
      await until("it is cancelled", async () => (await post(id)).status === "POST_STATUS_CANCELLED");
    });

    it("asks before the page is left with a post that is half written", async () => {
      await compose([accounts.facebook]);
      const caption = dialog().getByLabel("Caption", { exact: true });
      await caption.fill("Half written");
      const asked = page.waitForEvent("dialog");
      const left = page.reload().catch(() => "stayed");
      const question = await asked;
      assert.equal(question.type(), "beforeunload");
      await question.dismiss();
      assert.equal(await caption.inputValue(), "Half written");
      await page.goto("about:blank");
      await left;
    });

    it("asks before the same post is made twice", async () => {
      const again = async () => {
        await compose([accounts.facebook]);
        await dialog().getByLabel("Caption", { exact: true }).fill("Twice on purpose");
        await dialog().getByRole("button", { name: "Publish now" }).click();
      };
      await again();
      await dialog().waitFor({ state: "detached" });
      const [{ id }] = await made("Twice on purpose");
      await published(id);
      await again();
      await until("it is told or nothing was made", async () => {
        return (await dialog().count()) === 0 || (await dialog().getByText(/posted or on its way already/).count()) > 0;
      });
      assert.equal((await made("Twice on purpose")).length, 1, "nothing is made without being asked");
      await stack.visible("Twice on purpose").then((seen) => assert.equal(seen.length, 1));
      if ((await dialog().count()) > 0) {
        await box("Post it again on purpose").check();
        await dialog().getByRole("button", { name: "Publish now" }).click();
        await dialog().waitFor({ state: "detached" });
        await made("Twice on purpose", 2);
      }
      // Being told is no error of the page.
      person.errors = person.errors.filter((text) => !/409|400/.test(text));
    });
  });

  describe("TikTok's content sharing guidelines", () => {
    const accounts = {};
    const creators = {
      open: { name: "Open Creator", username: "open.creator" },
      closed: {
        name: "Closed Creator", username: "closed.creator", private: true, comment_disabled: true, duet_disabled: true, stitch_disabled: true,
        max_video_post_duration_sec: 10,
      },
    };
    const ids = {};

    before(async () => {
      for (const [key, creator] of Object.entries(creators)) {
        ids[key] = (await stack.simulated("accounts", { platform: "tiktok", ...creator })).id;
        [accounts[key]] = await stack.connect("PLATFORM_TIKTOK", { person: creator.name });
      }
    });
    beforeEach(() => {
      person.errors = [];
    });
    afterEach(() => person.quiet());

    const panel = (key) => page.locator(`[data-tiktok="${accounts[key].id}"]`);
    const privacy = (key) => panel(key).getByRole("combobox", { name: "Who can see it" });
    const send = () => dialog().getByRole("button", { name: /^Publish/ });
    const consent = () => box(/^Send this video to TikTok, as /);
    const asked = async (operation) => (await stack.simulated(`requests?operation=${operation}`)).requests.length;

    it("the creator is asked for afresh and named, and the preview stands beside the choices", async () => {
      const before = await asked("tiktok.creator_info");
      await stack.simulated(`tiktok/accounts/${encodeURIComponent(ids.open)}`, { name: "Open Creator, renamed" });
      await compose([accounts.open]);
      await panel("open").getByText("Posting as Open Creator, renamed").waitFor();
      await panel("open").getByText("@open.creator").waitFor();
      assert.ok((await asked("tiktok.creator_info")) > before, "the platform was asked when the dialog was opened");
      await dialog().locator("[data-preview=TikTok]").waitFor();
    });

    it("no visibility is preset, and only the creator's own may be chosen", async () => {
      await compose([accounts.open, accounts.closed]);
      assert.equal(await privacy("open").textContent(), "Choose one");
      await toDo().getByText(/choose who can see it, for Open Creator/).waitFor();
      const offered = async (key) => {
        await privacy(key).click();
        const names = await page.getByRole("option").allTextContents();
        await page.keyboard.press("Escape");
        return names.slice(1);
      };
      assert.deepEqual(await offered("open"), ["Everyone", "Friends (followers you follow back)", "Only me"]);
      assert.deepEqual(await offered("closed"), ["Followers", "Friends (followers you follow back)", "Only me"]);
      assert.equal(await send().isDisabled(), true);
    });

    it("comments, Duet and Stitch are off, and stay off where the creator has switched them off", async () => {
      await compose([accounts.open, accounts.closed]);
      for (const name of ["Comment", "Duet", "Stitch"]) {
        const open = panel("open").getByRole("checkbox", { name, exact: true });
        assert.deepEqual([await open.isChecked(), await open.isEnabled()], [false, true], name);
        const closed = panel("closed").getByRole("checkbox", { name: `${name} (switched off in the TikTok app)` });
        assert.deepEqual([await closed.isChecked(), await closed.isEnabled()], [false, false], name);
      }
    });

    it("a video that is too long for the creator is not sent", async () => {
      await compose([accounts.closed]);
      await panel("closed").getByText(/may post videos of at most 0:10/).waitFor();
      assert.equal(await send().isDisabled(), true);
    });

    it("commercial content is disclosed by its rules", async () => {
      await compose([accounts.open]);
      const disclose = panel("open").getByRole("switch", { name: "Disclose commercial content" });
      assert.equal(await disclose.isChecked(), false, "off until the creator says otherwise");
      await choose(privacy("open"), "Everyone");
      await consent().check();
      await until("it may be sent", () => send().isEnabled());
      await disclose.check();
      await panel("open").getByText("Say whether your content promotes yourself, a third party, or both.").waitFor();
      await toDo().getByText(/say what Open Creator.* promotes/).waitFor();
      assert.equal(await send().isDisabled(), true, "a disclosure without its kind is not sent");
      const own = panel("open").getByRole("checkbox", { name: /^Your brand/ });
      const branded = panel("open").getByRole("checkbox", { name: /^Branded content/ });
      await own.check();
      await panel("open").getByText("Your video will be labelled “Promotional content”.").waitFor();
      await branded.check();
      await panel("open").getByText("Your video will be labelled “Paid partnership”.").waitFor();
      await own.uncheck();
      await panel("open").getByText("Your video will be labelled “Paid partnership”.").waitFor();
      // Branded content is not for the creator alone: neither choice can be made after the other.
      await privacy("open").click();
      assert.equal(await page.getByRole("option", { name: /^Only me/ }).getAttribute("aria-disabled"), "true");
      await page.keyboard.press("Escape");
      await branded.uncheck();
      await own.check();
      await choose(privacy("open"), "Only me");
      assert.equal(await branded.isDisabled(), true);
      await panel("open").getByText("Branded content cannot be visible to “Only me”.").waitFor();
      await person.accessible("TikTok's choices");
    });

    it("the declaration names the music terms, and the policy on branded content when there is some", async () => {
      await compose([accounts.open]);
      const music = dialog().getByRole("link", { name: "Music Usage Confirmation" });
      assert.match(await music.getAttribute("href"), /tiktok\.com\/legal\/page\/global\/music-usage-confirmation/);
      assert.equal(await dialog().getByRole("link", { name: "Branded Content Policy" }).count(), 0);
      await panel("open").getByRole("switch", { name: "Disclose commercial content" }).check();
      await panel("open").getByRole("checkbox", { name: /^Branded content/ }).check();
      assert.match(await dialog().getByRole("link", { name: "Branded Content Policy" }).getAttribute("href"), /bc-policy/);
      await dialog().getByText(/TikTok may take a few minutes to process the video/).waitFor();
    });

    it("nothing goes to TikTok before the creator agrees, and then exactly what was chosen", async () => {
      const before = await asked("tiktok.video_init");
      await compose([accounts.open]);
      await dialog().getByLabel("Caption", { exact: true }).fill("Agreed to");
      await choose(privacy("open"), "Friends (followers you follow back)");
      await panel("open").getByRole("checkbox", { name: "Comment", exact: true }).check();
      await toDo().getByText(/agree that the video is sent to TikTok/).waitFor();
      assert.equal(await send().isDisabled(), true);
      await consent().check();
      await panel("open").getByRole("checkbox", { name: "Duet", exact: true }).check();
      assert.equal(await consent().isChecked(), false, "a changed choice is agreed to anew");
      await panel("open").getByRole("switch", { name: "Disclose commercial content" }).check();
      await panel("open").getByRole("checkbox", { name: /^Branded content/ }).check();
      await consent().check();
      await until("it may be sent", () => send().isEnabled());
      assert.equal(await asked("tiktok.video_init"), before, "no byte has left");
      await send().click();
      await dialog().waitFor({ state: "detached" });
      const [{ id }] = await made("Agreed to");
      const sent = await published(id);
      assert.deepEqual(
        [sent.privacy_level, sent.allow_comments ?? false, sent.allow_duet ?? false, sent.allow_stitch ?? false],
        ["MUTUAL_FOLLOW_FRIENDS", true, true, false],
      );
      const { tiktok } = sent.platform_options;
      assert.deepEqual([tiktok.brand_content_toggle, tiktok.brand_organic_toggle ?? false], [true, false]);
      const [seen] = await stack.visible("Agreed to");
      assert.equal(seen.privacy, "MUTUAL_FOLLOW_FRIENDS");
    });

    it("a creator who cannot post now is told, and nothing is sent", async () => {
      await stack.simulated(`tiktok/accounts/${encodeURIComponent(ids.open)}`, { creator_info_code: "spam_risk_too_many_posts" });
      await compose([accounts.open]);
      await dialog().getByRole("alert").filter({ hasText: /cannot post now/ }).waitFor();
      assert.equal(await send().isDisabled(), true);
      await stack.simulated(`tiktok/accounts/${encodeURIComponent(ids.open)}`, { creator_info_code: null });
      await dialog().getByRole("alert").filter({ hasText: /cannot post now/ }).getByRole("button", { name: "Try again" }).click();
      await panel("open").getByText(/^Posting as Open Creator/).waitFor();
    });

    it("the cover is a frame of the video, on TikTok and Instagram", async () => {
      await compose([accounts.open]);
      await dialog().getByLabel("Caption", { exact: true }).fill("With a cover frame");
      await dialog().getByRole("switch", { name: "Choose the cover frame" }).check();
      const slider = dialog().getByRole("slider", { name: "Choose the cover frame" });
      await slider.focus();
      for (let turn = 0; turn < 3; turn += 1) {
        await page.keyboard.press("PageUp");
      }
      const coverMs = Number(await slider.inputValue());
      assert.ok(coverMs > 0);
      await choose(privacy("open"), "Everyone");
      await consent().check();
      await until("it may be sent", () => send().isEnabled());
      await send().click();
      await dialog().waitFor({ state: "detached" });
      const [{ id }] = await made("With a cover frame");
      const { tiktok } = (await post(id)).platform_options;
      assert.equal(Number(tiktok.video_cover_timestamp_ms), coverMs);
      await published(id);
    });
  });
});
