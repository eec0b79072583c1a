// The first post from an empty canvas, by somebody who has a credential and nothing else, in a real browser.
//
// Counted are the actions of a person. An action is one of these: a click on a button; a text that is typed or pasted, with the click
// into its field; one entry chosen from a list, with the click that opens the list and what is typed to search in it. The clicks
// are counted beside them.
// A picture is taken after each action.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { Editor } from "../rig/editor.js";
import { until } from "../rig/wait.js";
import { world } from "../rig/world.js";

/** What a person who looks for this node types. */
const WORDS = ["upload", "shorts", "reels", "video", "tiktok", "instagram", "youtube", "social", "publish video", "upload video"];

const w = await world();
const { n8n, core, simulator } = w;

describe("a new user", () => {
  let editor;
  let page;

  before(async () => {
    // Theirs is the only credential.
    for (const { id, type } of await n8n.rest.call("GET", "/rest/credentials")) {
      if (type === "auraReelsApi" && id !== w.credentials.auraReelsApi.id) {
        await n8n.rest.call("DELETE", `/rest/credentials/${id}`);
      }
    }
    editor = await Editor.start(n8n, join(w.dir, "screenshots"));
    page = editor.page;
  });
  after(() => editor.close());

  /** An empty canvas, ready to be used. */
  async function emptyCanvas() {
    await editor.open("/workflow/new");
    await editor.part("canvas-plus-button").waitFor();
    await page.getByText("Add first step…").waitFor();
  }

  /** The entries of our package that n8n shows, with their descriptions. */
  async function entries() {
    const found = page.locator('[data-test-id="node-creator"] [data-keyboard-nav-type="node"]', { hasText: "AuraReels" });
    await found.first().waitFor();
    return found.allInnerTexts();
  }

  test("finds the node by the words that one would type, and node and trigger say what each does", async () => {
    await emptyCanvas();
    await editor.part("canvas-plus-button").click();
    const search = editor.part("node-creator-search-bar");
    for (const word of WORDS) {
      await search.fill(word);
      const [node] = await entries();
      assert.match(node, /Publish and schedule short videos/, word);
    }
    await search.fill("aurareels");
    const [, trigger] = await until("both entries", async () => {
      const both = await entries();
      return both.length === 2 && both;
    });
    assert.match(trigger, /Starts the workflow when a post is published, fails or needs review/);
  });

  /** Publishes on an account, with these further actions before the last; the actions and clicks, and what the node put out. */
  async function publish(accountId, name, further = async () => {}) {
    const { accountUsername } = await core.client.accounts.getAccount({ id: BigInt(accountId) });
    const actions = [];
    let clicks = 0;
    const click = async (what) => {
      clicks += 1;
      await what.click();
    };
    const act = async (what, body) => {
      await body();
      actions.push(what);
      // What the action shows is loaded and drawn.
      await page.waitForTimeout(1200);
      await editor.picture(`${name}-${actions.length}.png`);
    };
    const choose = async (field, text) => {
      await click(editor.part(`parameter-input-${field}`));
      await click(page.locator('[role="option"]:visible', { hasText: text }).first());
    };
    await emptyCanvas();
    await act('choose AuraReels from the list behind "Add first step"', async () => {
      await click(editor.part("canvas-plus-button"));
      await editor.part("node-creator-search-bar").waitFor();
      await page.keyboard.type("upload video");
      await entries();
      await page.keyboard.press("Enter");
      await page.getByText("Publish a post", { exact: true }).waitFor();
    });
    await act('click "Publish a post"', async () => {
      await click(page.getByText("Publish a post", { exact: true }));
      await editor.part("parameter-input-accounts").waitFor();
      assert.equal(await editor.part("parameter-issues").count(), 0, "nothing is red before anything was done");
    });
    // Before the account: its list stays open, because several may be chosen, and hides the URL until something else is clicked.
    await act("paste the video's URL", async () => {
      const field = editor.part("parameter-input-videoUrl").locator("input");
      await click(field);
      await field.fill(simulator.video(name));
    });
    await act("choose the account", () => choose("accounts", `@${accountUsername}`));
    await further({ act, choose });
    await act('click "Execute step"', async () => {
      await click(editor.part("node-execute-button"));
      await page.getByText("published", { exact: true }).first().waitFor();
    });
    console.log(`${name}: ${actions.length} actions (${clicks} clicks, 2 texts): ${actions.join("; ")}`);
    const output = await editor.part("output-panel").innerText();
    return { actions, output };
  }

  test("publishes a reel in five actions, and reads that it is live, and where", async () => {
    const { actions, output } = await publish(w.instagram, "n8n-first-post");
    assert.equal(actions.length, 5, actions.join("; "));
    assert.match(output, /published/);
    const [link] = /https:\/\/www\.instagram\.com\/reel\/[^\s/]+/.exec(output) ?? [];
    assert.ok(link, output);
    const { posts } = await simulator.get("posts");
    assert.equal(posts.filter((post) => JSON.stringify(post).includes(link.split("/").at(-1))).length, 1);
  });

  test("on TikTok chooses besides who can see it, because TikTok lets nobody choose that for a creator", async () => {
    const { actions } = await publish(w.tiktok, "n8n-first-tiktok", ({ act, choose }) =>
      act("choose who can see it", () => choose("privacyLevel", "Everyone")),
    );
    assert.equal(actions.length, 6, actions.join("; "));
  });
});
