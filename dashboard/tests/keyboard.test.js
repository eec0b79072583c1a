// By keyboard alone: a whole post from the first Tab to its published row, with the focus visible at each stop; and dialogs
// that keep the focus inside and give it back.

import assert from "node:assert/strict";
import { afterEach, before, beforeEach, describe, it } from "node:test";

import { scene } from "./support/scene.js";
import { until } from "./support/stack.js";

const DAY_MS = 86_400_000;
/** No way to anything is longer than this. */
const MOST_TABS = 60;

/** Runs in the page: what has the focus, and whether somebody who looks at the page can tell. */
function focused() {
  const element = document.activeElement;
  const outlined = (one) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 1;
  };
  const marked = () => {
    const around = element.closest(".Mui-focusVisible");
    const field = element.closest(".MuiInputBase-root.Mui-focused, .MuiPickersInputBase-root.Mui-focused");
    const border = field?.querySelector("fieldset");
    const slider = element.closest(".MuiSlider-thumb");
    return (
      outlined(element) ||
      (around !== null && outlined(around)) ||
      (border && parseFloat(getComputedStyle(border).borderTopWidth) >= 2) ||
      (slider !== null && getComputedStyle(slider).boxShadow !== "none")
    );
  };
  const { top, bottom, left, right } = (element.closest("label") ?? element).getBoundingClientRect();
  return {
    html: element.outerHTML.slice(0, 200),
    isVisible: marked() && bottom > 0 && right > 0 && top < innerHeight && left < innerWidth,
    isInDialog: element.closest("[role=dialog]") !== null,
  };
}

describe("by keyboard alone", () => {
  let stack;
  let person;
  let page;
  let account;

  scene((made) => ({ stack, person, page } = made));
  before(async () => {
    [account] = await stack.connect("PLATFORM_TIKTOK", { person: "Ada Makes Things" });
  });
  beforeEach(() => {
    person.errors = [];
  });
  afterEach(() => person.quiet());

  const press = (key) => page.keyboard.press(key);
  const post = (id) => stack.call("GetPost", { id });

  /** Goes on by Tab until this has the focus; at each stop the focus can be seen. */
  async function tabTo(target, key = "Tab") {
    const stops = [];
    for (let turn = 0; turn < MOST_TABS; turn += 1) {
      await press(key);
      const stop = await page.evaluate(focused);
      assert.ok(stop.isVisible, `nobody sees that this has the focus: ${stop.html}`);
      stops.push(stop.html);
      if (await target.evaluate((one) => one === document.activeElement)) {
        return;
      }
    }
    assert.fail(`not reached by ${key}: ${target}; stops:\n${stops.join("\n")}`);
  }

  it("a whole post is written and published", async () => {
    await person.go(stack.address, "/social-posts");
    const opener = page.getByRole("banner").getByRole("button", { name: "New post" });
    // The first stop leads past the navigation.
    await press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
    await tabTo(opener);
    await press("Enter");
    const dialog = page.getByRole("dialog", { name: "New post" });
    await dialog.waitFor();
    await until("the focus is in the dialog", async () => (await page.evaluate(focused)).isInDialog);

    // One stop for the four ways to a video; arrows go from one to the next.
    await tabTo(dialog.getByRole("button", { name: "Upload", exact: true }));
    await press("ArrowRight");
    await press("Enter");
    await tabTo(dialog.getByLabel("Link to the video"));
    await page.keyboard.type(`${stack.media}/v/keys.mp4?size=400000&duration=15`);
    await tabTo(dialog.getByRole("checkbox", { name: /^TikTok: Ada Makes Things/ }));
    await press("Space");
    await tabTo(dialog.getByLabel("Caption", { exact: true }));
    await page.keyboard.type("Typed, not clicked");
    await tabTo(dialog.getByRole("combobox", { name: "Hashtags" }));
    await page.keyboard.type("keys");
    await press("Enter");
    await dialog.getByRole("button", { name: "#keys" }).waitFor();
    const privacy = dialog.getByRole("combobox", { name: "Who can see it" });
    await privacy.waitFor();
    await tabTo(privacy);
    await press("Enter");
    await page.getByRole("listbox").waitFor();
    await press("Home");
    await press("Enter");
    await page.getByRole("listbox").waitFor({ state: "detached" });
    assert.equal(await privacy.evaluate((one) => one === document.activeElement), true, "the focus comes back from the list");
    assert.equal(await privacy.textContent(), "Everyone");
    await tabTo(dialog.getByRole("checkbox", { name: /^Send this video to TikTok/ }));
    await press("Space");
    const send = dialog.getByRole("button", { name: "Publish now" });
    await until("it may be sent", () => send.isEnabled());
    await tabTo(send);
    await press("Enter");
    await dialog.waitFor({ state: "detached" });
    assert.equal(await opener.evaluate((one) => one === document.activeElement), true, "the focus comes back from the dialog");

    const { posts: [made] } = await until("it is there", async () => {
      const answer = await stack.call("ListPosts", { page_size: 5 });
      return answer.posts?.length === 1 && answer;
    });
    const row = page.locator(`main li[data-post="${made.id}"]`);
    await row.getByText("Published", { exact: true }).waitFor({ timeout: 60_000 });
    const [seen] = await stack.visible("Typed, not clicked");
    assert.deepEqual([seen.caption, seen.privacy], ["Typed, not clicked #keys", "PUBLIC_TO_EVERYONE"]);
    assert.equal((await post(made.id)).platform_post_id, seen.platform_post_id);
  });

  it("dialogs keep the focus inside, end by Escape, and give it back", async () => {
    const content = { video_url: `${stack.media}/v/keys.mp4?size=400000&duration=15`, caption: "In dialogs", privacy_level: "PUBLIC" };
    const scheduled_at = { text: new Date(Date.now() + 3 * DAY_MS).toISOString() };
    const { posts: [{ id }] } = await stack.call("SchedulePosts", { accounts: [account.id], content, scheduled_at });
    const views = [
      ["/social-accounts", ["Connect an account", "Disconnect"]],
      ["/social-posts", ["New post"]],
      [`/social-posts/${id}`, ["Edit", "Reschedule", "Publish now", "Cancel the post"]],
      ["/webhooks", ["Add an endpoint"]],
    ];
    for (const [path, openers] of views) {
      await person.go(stack.address, path);
      for (const name of openers) {
        const opener = page.getByRole("button", { name, exact: true }).first();
        await opener.focus();
        await press("Enter");
        const dialog = page.getByRole("dialog");
        await dialog.waitFor();
        await until(`the focus goes into ${name}`, async () => (await page.evaluate(focused)).isInDialog);
        const stops = new Set();
        for (let turn = 0; turn < 25; turn += 1) {
          await press("Tab");
          const stop = await page.evaluate(focused);
          assert.ok(stop.isInDialog, `${name} lets the focus out, to ${stop.html}`);
          assert.ok(stop.isVisible, `${name}: nobody sees that this has the focus: ${stop.html}`);
          stops.add(stop.html);
        }
        assert.ok(stops.size > 1, `${name} has buttons`);
        await press("Escape");
        await dialog.waitFor({ state: "detached" });
        assert.equal(await opener.evaluate((one) => one === document.activeElement), true, `the focus comes back from ${name}`);
      }
    }
  });

  it("what was typed is not lost by Escape", async () => {
    await person.go(stack.address, "/social-posts");
    await page.getByRole("banner").getByRole("button", { name: "New post" }).focus();
    await press("Enter");
    const dialog = page.getByRole("dialog", { name: "New post" });
    const caption = dialog.getByLabel("Caption", { exact: true });
    await caption.focus();
    await page.keyboard.type("Half a thought");
    await press("Escape");
    const question = page.getByRole("dialog", { name: "Discard this post?" });
    await question.waitFor();
    await press("Escape");
    await question.waitFor({ state: "detached" });
    assert.equal(await caption.inputValue(), "Half a thought");
    assert.equal(await caption.evaluate((one) => one === document.activeElement), true, "the focus is where it was");
    await press("Escape");
    await question.getByRole("button", { name: "Discard" }).focus();
    await press("Enter");
    await dialog.waitFor({ state: "detached" });
  });
});
