// Whatever n8n does again, and whatever dies in between: never two visible posts, and exactly one wherever the core had
// taken the request.

import assert from "node:assert/strict";
import { after, afterEach, describe, test } from "node:test";

import { PostStatus } from "../clients/node/clients.js";
import { Proxy } from "./rig/proxy.js";
import { sleep, until } from "./rig/wait.js";
import { auraReels, start, workflow } from "./rig/workflow.js";
import { apiCredential, world } from "./rig/world.js";

const w = await world();
const { core, n8n, simulator } = w;
const proxy = await Proxy.start(core.port);
after(() => proxy.close());
afterEach(() => proxy.carryOn());

// This node speaks to the core through the proxy.
const auraReelsApi = await n8n.rest.credential("auraReelsApi", "Through the proxy", apiCredential(core, proxy.address));

const create = (caption, parameters = {}, more = {}) => {
  const publish = auraReels("AuraReels", w.publication(caption, parameters), { auraReelsApi }, more);
  return n8n.rest.create(workflow(caption, [start(), publish]));
};

/** Waits until the core has a post with this caption; its id. */
function taken(caption) {
  return until(`the core's post "${caption}"`, async () => (await core.captioned(caption))[0]?.id);
}

/** Waits until nothing more can become of the posts with this caption, and counts the visible ones. */
async function visible(caption) {
  const ours = await core.captioned(caption);
  for (const { id } of ours) {
    const ended = async () => [PostStatus.PUBLISHED, PostStatus.FAILED].includes((await core.post(id)).status);
    // A core that was killed leaves a claim that has to run out.
    await until(`the end of post ${id}`, ended, { limitMs: 180_000 });
  }
  assert.ok(ours.length <= 1, `${ours.length} posts`);
  return (await simulator.visible(caption)).length;
}

describe("one post", () => {
  test("Retry On Fail, five tries: the core takes the request and dies before its answer arrives", async () => {
    const caption = "Tried five times";
    const retries = { retryOnFail: true, maxTries: 5, waitBetweenTries: 5000 };
    const made = await create(caption, { options: { timeoutSeconds: 3 } }, retries);
    // The core dies before it has asked for anything visible: otherwise it would look for that for ten minutes.
    const held = await simulator.fault({ operation: "tiktok.creator_info" }, undefined, { hold: "before" });
    proxy.swallowAnswers();
    const id = await n8n.rest.start(made);
    await taken(caption);
    await core.kill();
    await simulator.post(`faults/${held.id}/release`);
    await simulator.delete(`faults/${held.id}`);
    proxy.cut();
    await sleep(3000);
    proxy.carryOn();
    await core.serve();
    const execution = await n8n.rest.finished(id);
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    assert.equal(execution.json("AuraReels")[0].existed, true);
    assert.equal(await visible(caption), 1);
  });

  test("Retry On Fail, five tries and every answer lost: the node fails, the post is there once", async () => {
    const caption = "Every answer lost";
    const retries = { retryOnFail: true, maxTries: 5, waitBetweenTries: 200 };
    const made = await create(caption, { options: { timeoutSeconds: 1 } }, retries);
    proxy.swallowAnswers();
    const execution = await n8n.rest.run(made);
    assert.equal(execution.status, "error");
    assert.match(execution.error.message, /did not respond|cannot be reached/);
    assert.equal(await visible(caption), 1);
  });

  test("\"Retry execution\" on a failed run whose request had been taken", async () => {
    const caption = "Retried by hand";
    const made = await create(caption, { options: { timeoutSeconds: 1 } });
    proxy.swallowAnswers();
    const failed = await n8n.rest.run(made);
    assert.equal(failed.status, "error");
    await taken(caption);
    proxy.carryOn();
    proxy.cut();
    const execution = await n8n.rest.finished(await n8n.rest.retry(failed.id));
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    assert.notEqual(execution.id, failed.id);
    assert.equal(execution.json("AuraReels")[0].existed, true);
    assert.equal(await visible(caption), 1);
  });
});
