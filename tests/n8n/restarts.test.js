// n8n is killed, and stopped: workflows that wait go on, no event is lost, and nothing is posted twice. All of it lives through
// the same kill and the same stop, because n8n takes long to start.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { PostStatus } from "../clients/node/clients.js";
import { Listener } from "./rig/listener.js";
import { OWN_EXIT } from "./rig/n8n.js";
import { call, imported, live, schedule } from "./rig/shipped.js";
import { sleep, until } from "./rig/wait.js";
import { auraReels, node, start, trigger, workflow } from "./rig/workflow.js";
import { world } from "./rig/world.js";

const w = await world();
const { core, n8n, simulator } = w;
const chat = await Listener.start();
after(() => chat.close());

const hold = async () => (await simulator.fault({ operation: "tiktok.upload_last_chunk" }, undefined, { hold: "before" })).id;
const release = (id) => simulator.post(`faults/${id}/release`);

/** Publishes on Instagram through the core's own API and waits until the post is live; its id. */
async function publish(caption) {
  const { posts } = await core.client.posts.publishPosts({
    accounts: [BigInt(w.instagram)],
    content: { videoUrl: simulator.video(caption.replace(/\W+/g, "-")), caption, privacyLevel: "PUBLIC" },
  });
  const { id } = posts[0];
  await until(`the end of post ${id}`, async () => (await core.post(id)).status === PostStatus.PUBLISHED);
  return Number(id);
}

/** Events that come at the same moment are handed to n8n in their order, but it may begin with either. */
function inTheirOrder(events) {
  return events.toSorted((a, b) => a.sequence - b.sequence);
}

describe("while n8n is down", () => {
  // The posts of the workflows go to TikTok; the trigger listens to Instagram alone.
  const WAITED_FOR = "Waited for over restarts";
  const UNDER_WAY = "Under way at the stop";
  let waiting;
  let listening;

  /** The events that have started the listening workflow so far, oldest first. */
  async function started(count) {
    const executions = await n8n.rest.ends(listening, count);
    assert.ok(executions.every(({ status, mode }) => status === "success" && mode === "trigger"));
    return executions.map((execution) => execution.json("Event")[0]);
  }

  before(async () => {
    const parameters = { events: ["post_published"], options: { accountIds: [w.instagram] } };
    const nodes = [trigger("Event", parameters, w.credentials), node("Then", "n8n-nodes-base.noOp", 1)];
    listening = await n8n.rest.create(workflow("Listening over restarts", nodes));
    const opened = await core.calls("WatchPosts");
    await n8n.rest.publish(listening);
    await until("an open stream", async () => (await core.calls("WatchPosts")) > opened);
    // Waits of more than 65 seconds are put into n8n's database.
    waiting = await live(w, await imported(w, chat, "social_media_scheduler", { pause: 70 }));
    const { payload } = await schedule(w, w.tiktok, WAITED_FOR, 90);
    await call(w, payload);
    await until("a waiting execution", async () => {
      const all = await n8n.rest.executions({ workflowId: waiting.id });
      return all.some(({ status }) => status === "waiting");
    });
  });
  after(async () => {
    await n8n.rest.unpublish(listening);
    await n8n.retire(waiting);
  });

  test("after a kill, each missed event comes, one that comes again has its own id, and a call in flight is one post", async () => {
    const caption = "Killed in mid-call";
    const act = auraReels("AuraReels", w.publication(caption, { waitForResult: true }), w.credentials);
    const made = await n8n.rest.create(workflow(caption, [start(), act]));
    const seen = await publish("Seen before the kill");
    await started(1);
    // The platform holds the upload, so that the call is on its way for as long as we like.
    const held = await hold();
    const first = await n8n.rest.start(made);
    await until("the core's post", async () => (await core.captioned(caption)).length > 0);
    await n8n.kill();
    await release(held);
    const missed = [await publish("Missed in the kill one"), await publish("Missed in the kill two")];
    // This run is the one that the next test stops.
    await n8n.serve(OWN_EXIT);
    await started(3);
    // One that comes twice comes now.
    await sleep(2000);
    const events = inTheirOrder(await started(3));
    const once = new Map(events.map((event) => [event.event_id, event.post_id]));
    assert.deepEqual([...once.values()], [seen, ...missed]);

    const crashed = await until("the crashed execution", async () => {
      const execution = await n8n.rest.execution(first);
      return execution.status !== "running" && execution;
    });
    assert.equal(crashed.status, "crashed");
    const again = await n8n.rest.run(made);
    assert.equal(again.status, "success", JSON.stringify(again.error));
    assert.equal(again.json("AuraReels")[0].existed, true);
    assert.equal(again.json("AuraReels")[0].status, "published");
    assert.equal((await simulator.visible(caption)).length, 1);
  });

  test("after a clean stop, each missed event comes exactly once", async () => {
    const known = (await started(3)).length;
    const held = await hold();
    const opened = await core.calls("WatchPosts");
    const { payload } = await schedule(w, w.tiktok, UNDER_WAY, 2);
    await call(w, payload);
    await until("the node's stream", async () => (await core.calls("WatchPosts")) > opened);
    const { code, signal } = await n8n.stop();
    assert.deepEqual([code, signal], [0, null], n8n.process.tail());
    await release(held);
    const missed = [await publish("Missed one"), await publish("Missed two")];
    await n8n.serve();
    const later = await publish("After the stop");
    await started(known + 3);
    // One that came twice would come now.
    await sleep(2000);
    const events = inTheirOrder((await started(known + 3)).slice(known));
    assert.deepEqual(events.map(({ post_id }) => post_id), [...missed, later]);
  });

  test("a workflow that waits for a post's time goes on, and so does one that waited for its result", async () => {
    const executions = await n8n.rest.ends(waiting, 2);
    for (const execution of executions) {
      assert.equal(execution.status, "success", JSON.stringify(execution.error));
      assert.equal(execution.json("Publish Scheduled")[0].status, "published");
    }
    assert.equal(executions[1].runs("Wait 5 Minutes").length, 1, "the stop ended its first try");
    for (const caption of [WAITED_FOR, UNDER_WAY]) {
      assert.equal((await simulator.visible(caption)).length, 1, caption);
    }
  });
});
