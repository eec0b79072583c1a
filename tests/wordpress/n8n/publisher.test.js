// The original's own workflow in a real n8n, against the plugin: HTTP Request nodes that know nothing of a core.

import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { createServer, request as forward } from "node:http";
import { join } from "node:path";
import { after, afterEach, describe, test } from "node:test";

import { Platform } from "../../clients/node/clients.js";
import { Core, reaches } from "../../n8n/rig/core.js";
import { N8n } from "../../n8n/rig/n8n.js";
import { setting } from "../../n8n/rig/setting.js";
import { Simulator } from "../../n8n/rig/simulator.js";
import { until } from "../../n8n/rig/wait.js";
import { repaired } from "./repaired.js";
import { Site } from "./site.js";

const PATH = "aurareels-social-schedule";
const WEBHOOK_KEY = "the key of the webhook";

const dir = setting("N8N_SCRATCH");
rmSync(dir, { recursive: true, force: true });
mkdirSync(dir, { recursive: true });

const started = [];
after(async () => {
  for (const one of started.reverse()) {
    await one.stop();
  }
});

const simulator = await Simulator.start(dir);
started.push(simulator.process);
const site = await Site.start(dir);
started.push(site.process);
const n8n = await N8n.prepare(join(dir, "n8n"), {
  tarball: null,
  // The workflow asks the environment where the site is, which n8n allows when it is told.
  settings: { WP_API_URL: site.url, N8N_BLOCK_ENV_ACCESS_IN_NODE: "false" },
});
const core = await Core.start(join(dir, "core"), simulator, {
  AURAREELS_JWT_PUBLIC_KEY: site.public_keys,
  AURAREELS_JWT_ISSUER: site.issuer,
  AURAREELS_SCHEDULER: "n8n",
  N8N_SCHEDULER_WEBHOOK: `${n8n.address}/webhook/${PATH}`,
  N8N_API_KEY: WEBHOOK_KEY,
});
started.push({ stop: () => core.process.stop() });
await n8n.serve();
started.push(n8n);

/**
 * What lies between site and core. Once it is told so, the core dies after it has done a call, and its answer is lost. The next
 * call finds nobody; later ones wait for the core that is being started, because n8n's tries are few and machines busy.
 */
const between = createServer(async (ask, answer) => {
  if (between.refused) {
    await until("the new core", () => reaches(core.port), { limitMs: 12_000 }).catch(() => {});
  }
  const { method, url, headers } = ask;
  const onward = forward({ port: core.port, method, path: url, headers }, async (response) => {
    const chunks = await Array.fromAsync(response);
    if (between.dies?.test(url)) {
      between.dies = undefined;
      await core.kill();
      answer.destroy();
      return;
    }
    answer.writeHead(response.statusCode, response.headers);
    answer.end(Buffer.concat(chunks));
  });
  onward.on("error", () => {
    between.refused = true;
    answer.destroy();
  });
  ask.pipe(onward);
});
await new Promise((resolve) => between.listen(0, "127.0.0.1", resolve));
started.push({ stop: () => between.close() });
site.pointAt(`http://127.0.0.1:${between.address().port}`);

const account = Number((await core.connect(Platform.TIKTOK)).id);
const webhookKey = await n8n.rest.credential("httpHeaderAuth", "The core's key", { name: "X-API-Key", value: WEBHOOK_KEY });
const siteKey = await n8n.rest.credential("httpHeaderAuth", "WordPress", { name: "Authorization", value: `Bearer ${site.n8n_key}` });

/** Schedules a post through the site, as its front end does. */
async function schedule(caption, seconds) {
  const at = new Date(Math.ceil(Date.now() / 1000 + seconds) * 1000).toISOString();
  const { posts } = await site.ask("POST", "/schedule", {
    accounts: [account],
    video_url: simulator.video(caption.replace(/\W+/g, "-")),
    caption,
    scheduled_at: at,
  });
  return { id: posts[0].id, at };
}

/** The post's end, as the site shows it. */
function published(id) {
  return until(`post ${id}, published`, async () => {
    const { post } = await site.ask("GET", `/posts/${id}`);
    return post.status === "published" && post;
  });
}

describe("social_media_publisher, as the original's document prints it", () => {
  let workflow;

  async function live(more) {
    workflow = await n8n.rest.create(repaired({ webhookKey, siteKey, more }));
    await n8n.rest.publish(workflow);
    await until("the webhook", async () => (await n8n.rest.webhook(PATH, {})).status !== 404);
  }

  afterEach(() => n8n.retire(workflow));

  test("publishes a post at its time, once", async () => {
    await live();
    const caption = "By the original's own workflow";
    const { id, at } = await schedule(caption, 16);
    const [execution] = await n8n.rest.ends(workflow);
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    assert.ok(Date.now() >= Date.parse(at));
    assert.ok(execution.ran("Refresh Token"), "TikTok's tokens always end within 24 hours");
    assert.equal(execution.json("Publish to Platform")[0].success, true);
    assert.equal(execution.json("Handle Success")[0].success, true);
    assert.ok(!execution.ran("Handle Error"));
    await published(id);
    assert.equal((await simulator.visible(caption)).length, 1);
  });

  test("called twice for the same post: one post", async () => {
    await live();
    const caption = "Called twice by the original";
    const { id, at } = await schedule(caption, 16);
    const again = await n8n.rest.webhook(PATH, { post_id: id, scheduled_at: at, user_id: 1 }, { "X-API-Key": WEBHOOK_KEY });
    assert.equal(again.status, 200);
    const executions = await n8n.rest.ends(workflow, 2);
    assert.deepEqual(executions.map(({ status }) => status), ["success", "success"]);
    await published(id);
    assert.equal((await simulator.visible(caption)).length, 1);
  });

  test("a core that dies after it began, its answer lost: n8n asks again, and it stays one post", async () => {
    await live({ retryOnFail: true, maxTries: 5, waitBetweenTries: 5000 });
    const caption = "Begun by a core that died";
    const { id } = await schedule(caption, 16);
    between.dies = /PublishPostNow$/;
    await until("a core that died", () => !core.process.alive);
    // n8n's next try finds no core, the one after it the new one.
    await until("a refusal of the site", async () => {
      const refused = await site.ask("GET", `/posts/${id}`).catch(({ message }) => message);
      return typeof refused === "string" && refused.includes("answers 503");
    });
    await core.serve();
    const [execution] = await n8n.rest.ends(workflow);
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    assert.equal(execution.json("Publish to Platform")[0].success, true, JSON.stringify(execution.json("Publish to Platform")));
    assert.ok(execution.ran("Handle Success") && !execution.ran("Handle Error"));
    await published(id);
    assert.equal((await simulator.visible(caption)).length, 1);
    assert.equal((await site.ask("GET", `/posts/${id}`)).post.status, "published");
  });
});
