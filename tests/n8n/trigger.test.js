// AuraReels Trigger in the real n8n: a workflow starts on events, also on those that happened while the core was down.
// What happens while n8n is down stands in restarts.test.js.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Platform, PostStatus } from "../clients/node/clients.js";
import { sleep, until } from "./rig/wait.js";
import { node, trigger, workflow } from "./rig/workflow.js";
import { world } from "./rig/world.js";

const REFUSED = { processing_seconds: 0.1, outcome: "fail", fail_reason: "spam_risk_text", tasks: 1 };

/** What a post may become that has come to rest. */
const AT_REST = [PostStatus.PUBLISHED, PostStatus.FAILED];

const w = await world();
const { core, n8n, simulator } = w;

/** Publishes on TikTok through the core's own API and waits until the post is at rest; its id. */
async function publish(caption) {
  const { posts } = await core.client.posts.publishPosts({
    accounts: [BigInt(w.tiktok)],
    content: { videoUrl: simulator.video(caption.replace(/\W+/g, "-")), caption, privacyLevel: "PUBLIC" },
  });
  const { id } = posts[0];
  await until(`the end of post ${id}`, async () => AT_REST.includes((await core.post(id)).status));
  return Number(id);
}

describe("AuraReels Trigger", () => {
  let listening;

  /** The events that have started the workflow so far, oldest first, without repeats. */
  async function started(count) {
    const executions = await n8n.rest.ends(listening, count);
    assert.ok(executions.every(({ status, mode }) => status === "success" && mode === "trigger"));
    return executions.map((execution) => {
      assert.equal(execution.items("Event").length, 1, "one execution, one event");
      return execution.json("Event")[0];
    });
  }

  before(async () => {
    const events = ["post_published", "post_failed", "account_needs_reconnect"];
    const nodes = [trigger("Event", { events, options: {} }, w.credentials), node("Then", "n8n-nodes-base.noOp", 1)];
    listening = await n8n.rest.create(workflow("Listening", nodes));
    const before = await core.calls("WatchPosts");
    await n8n.rest.publish(listening);
    await until("an open stream", async () => (await core.calls("WatchPosts")) > before);
  });
  after(() => n8n.rest.unpublish(listening));

  test("published, failed and needs-reconnect each start the workflow once, in order", async () => {
    const published = await publish("An event");
    await simulator.post("tiktok/behaviour", REFUSED);
    const failed = await publish("A bad event");
    await w.endInstagramLogin();
    const events = await started(3);
    await core.connect(Platform.INSTAGRAM);

    const kinds = events.map(({ event }) => event);
    assert.deepEqual(kinds, ["post_published", "post_failed", "account_needs_reconnect"]);
    assert.deepEqual(events.slice(0, 2).map(({ post_id }) => post_id), [published, failed]);
    assert.equal(events[0].post.status, "published");
    assert.ok(events[1].reason || events[1].post.error.message);
    assert.equal(events[2].account_id, w.instagram);
    assert.equal(events[2].account.health, "needs_reconnect");
    assert.equal(new Set(events.map(({ event_id }) => event_id)).size, 3);
    assert.ok(events[0].sequence < events[1].sequence && events[1].sequence < events[2].sequence);
  });

  test("over restarts of the core nothing is lost and nothing doubled", async () => {
    const known = (await started(3)).length;
    await core.kill();
    await sleep(1500);
    await core.serve();
    const first = await publish("After the core died");
    await core.restart();
    const second = await publish("After the core was restarted");
    await started(known + 2);
    await sleep(2000);
    const events = (await started(known + 2)).slice(known);
    assert.deepEqual(events.map(({ post_id }) => post_id), [first, second]);
  });
});
