// The real editor in a headless Chromium: the panels of our nodes show what they should, and become the pictures of the
// package's README. The pictures are written to N8N_SCRATCH/screenshots; a good one is copied to n8n-node/screenshots by hand.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { Platform } from "../../clients/node/clients.js";
import { Editor } from "../rig/editor.js";
import { auraReels, node, start, trigger, workflow } from "../rig/workflow.js";
import { world } from "../rig/world.js";

const w = await world();
const { n8n } = w;

describe("the editor", () => {
  let editor;

  before(async () => {
    editor = await Editor.start(n8n, join(w.dir, "screenshots"));
  });
  after(() => editor.close());

  /** Opens the panel of a node of a new workflow and takes its picture, so high; the panel's text. */
  const panel = async (name, made, file, height) => editor.panel(await n8n.rest.create(made), name, file, height);

  /** An account as the node's list has it. */
  async function picked(id) {
    const options = await n8n.rest.call("POST", "/rest/dynamic-node-parameters/options", {
      path: "parameters.accounts",
      methodName: "getTargets",
      nodeTypeAndVersion: { name: "n8n-nodes-aurareels.auraReels", version: 2 },
      currentNodeParameters: { resource: "post", operation: "publish" },
      credentials: { auraReelsApi: w.credentials.auraReelsApi },
    });
    return options.find(({ value }) => value.split(/[: ]/)[1] === String(id)).value;
  }

  const versionTwo = { typeVersion: 2 };

  test("Publish", async () => {
    const parameters = {
      ...w.publication("A cat opens a door by itself"),
      videoUrl: "https://media.example.org/cat.mp4",
      accounts: [await picked(w.tiktok)],
      hashtags: "cats, clever",
      waitForResult: true,
      tiktokOptions: { allowDuet: true },
    };
    const made = workflow("Publish a video", [start(), auraReels("Publish a video", parameters, w.credentials, versionTwo)]);
    const text = await panel("Publish a video", made, "publish.png", 1370);
    for (const word of ["Resource", "Operation", "Account", "Caption", "Hashtags", "Who Can See It", "When a Post Fails"]) {
      assert.match(text, new RegExp(word), text);
    }
  });

  test("Schedule", async () => {
    const parameters = {
      ...w.publication("Every Friday at six", { operation: "schedule", privacyLevel: "PUBLIC" }),
      accounts: [await picked(w.tiktok), await picked(w.instagram)],
      videoUrl: "https://media.example.org/friday.mp4",
      scheduledAt: "2027-01-08T18:00:00",
      timeZone: "Europe/Berlin",
    };
    const made = workflow("Schedule a video", [start(), auraReels("Schedule a video", parameters, w.credentials, versionTwo)]);
    const text = await panel("Schedule a video", made, "schedule.png", 1450);
    for (const word of ["Account Names or IDs", "Caption", "Time Zone"]) {
      assert.match(text, new RegExp(word), text);
    }
  });

  test("Publish to a Page and a channel", async () => {
    const [page, channel] = await Promise.all([Platform.FACEBOOK, Platform.YOUTUBE].map((platform) => w.core.connect(platform)));
    const accounts = [await picked(page.id), await picked(channel.id)];
    const comment = "All links: https://example.org";
    const parameters = {
      ...w.publication("A walk in the hills", { privacyLevel: "PUBLIC" }),
      videoUrl: "https://media.example.org/hills.mp4",
      accounts,
      captionsByAccount: { captions: [{ account: accounts[1], caption: "A walk in the hills\n\nThe way, the hut and the map." }] },
      facebookOptions: { firstComment: comment, title: "A walk in the hills", transfer: "file_url" },
      youtubeOptions: { title: "A walk in the hills", tags: "hiking, alps", publish: "one_step", firstComment: comment },
    };
    const name = "Publish to several";
    const made = workflow(name, [start(), auraReels(name, parameters, w.credentials, versionTwo)]);
    const text = await panel(name, made, "several.png", 2300);
    const words = ["Captions by Account", "Facebook Options", "YouTube Options", "First Comment", "Title", "Tags", "Transfer"];
    for (const word of words) {
      assert.match(text, new RegExp(word), text);
    }
    for (const word of ["TikTok Options", "Instagram Options"]) {
      assert.ok(!text.includes(word), text);
    }
  });

  test("Trigger", async () => {
    const events = ["post_published", "post_failed", "post_needs_review", "account_needs_reconnect"];
    const nodes = [trigger("When something happens", { events, options: {} }, w.credentials), node("Then", "n8n-nodes-base.noOp", 1)];
    const text = await panel("When something happens", workflow("Listen to AuraReels", nodes), "trigger.png", 600);
    assert.match(text, /Events/, text);
  });
});
