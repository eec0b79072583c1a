// The workflows of workflows/ as a user takes them into use: imported, with credentials chosen, published; and posts for them.

import assert from "node:assert/strict";

import { Scheduler } from "../../clients/node/clients.js";
import { until } from "./wait.js";
import { shipped } from "./workflow.js";
import { WEBHOOK_KEY } from "./world.js";

const PATH = "aurareels-social-schedule";
const KEY = { "X-API-Key": WEBHOOK_KEY };

/**
 * Imports a shipped workflow: its credentials are chosen, the address of the notification is filled in (a listener), and what
 * it waits before it tries again is shortened to `pause` seconds.
 */
export async function imported(world, chat, file, { further = {}, pause = 4 } = {}) {
  const workflow = shipped(file);
  assert.ok(workflow.nodes.some(({ type }) => type.endsWith(".stickyNote")), "it explains itself");
  for (const node of workflow.nodes) {
    for (const type of Object.keys(node.credentials ?? {})) {
      node.credentials[type] = { ...world.credentials, ...further }[type];
    }
    if (node.type === "n8n-nodes-base.httpRequest") {
      assert.equal(node.name, "Send Notification", "no HTTP request but the notification");
      node.parameters.url = chat.address;
    }
    if (node.name === "Wait 5 Minutes") {
      assert.deepEqual(node.parameters, { amount: 5, unit: "minutes" });
      node.parameters = { amount: pause, unit: "seconds" };
    }
  }
  const { name, nodes, connections, settings } = workflow;
  return world.n8n.rest.create({ name, nodes, connections, settings });
}

/** Publishes a workflow that the core calls, and waits until n8n has registered its webhook. */
export async function live({ n8n }, workflow) {
  await n8n.rest.publish(workflow);
  // Without its key the webhook refuses, but it is there.
  await until("the webhook", async () => (await n8n.rest.webhook(PATH, {})).status !== 404);
  return workflow;
}

/** Calls the workflow as the core does, or with another key. */
export function call({ n8n }, payload, key = KEY) {
  return n8n.rest.webhook(PATH, payload, key);
}

/** Schedules a post on an account by the core's own API. */
export async function schedule({ core, simulator }, account, caption, seconds, scheduler = Scheduler.CORE) {
  const at = new Date(Math.ceil(Date.now() / 1000 + seconds) * 1000);
  const { posts } = await core.client.posts.schedulePosts({
    accounts: [BigInt(account)],
    content: { videoUrl: simulator.video(caption.replace(/\W+/g, "-")), caption, privacyLevel: "PUBLIC" },
    scheduledAt: { form: { case: "text", value: at.toISOString() } },
    scheduler,
  });
  return { id: Number(posts[0].id), payload: { post_id: Number(posts[0].id), scheduled_at: at.toISOString(), user_id: 1 } };
}
