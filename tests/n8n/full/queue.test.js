// n8n in queue mode: a main process with the triggers, a webhook processor, two workers, and Redis between them. What is asked
// for twice, by two workers or again after a worker died, is one post.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { PostStatus } from "../../clients/node/clients.js";
import { N8n } from "../rig/n8n.js";
import { Process } from "../rig/process.js";
import { cleanEnvironment, setting } from "../rig/setting.js";
import { freePort, until } from "../rig/wait.js";
import { auraReels, node, trigger, workflow } from "../rig/workflow.js";
import { credentials, world } from "../rig/world.js";

const PATH = "publish-by-worker";

const w = await world();
const { core, simulator } = w;

describe("queue mode", () => {
  const dir = join(w.dir, "queue");
  const processes = [];
  let n8n;
  let hooks;
  let publishing;
  let listening;

  /** A worker that takes one execution at a time, once it is ready. */
  async function worker(name) {
    const port = await freePort();
    const health = { QUEUE_HEALTH_CHECK_ACTIVE: "true", QUEUE_HEALTH_CHECK_PORT: String(port) };
    const one = await n8n.further(name, ["worker", "--concurrency=1"], health);
    processes.push(one);
    await until(`${name}, ready`, async () => (await fetch(`http://127.0.0.1:${port}/healthz/readiness`)).ok, { limitMs: 300_000 });
    return one;
  }

  const call = async (caption) => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${hooks}/webhook/${PATH}`, { method: "POST", headers, body: JSON.stringify({ caption }) });
    await answer.text();
    return answer.status;
  };

  before(async () => {
    mkdirSync(dir, { recursive: true });
    const port = String(await freePort());
    const redis = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    const log = join(w.dir, "redis.log");
    processes.push(new Process(setting("REDIS_SERVER"), redis, { env: cleanEnvironment(), cwd: dir, log }));
    const settings = {
      EXECUTIONS_MODE: "queue",
      QUEUE_BULL_REDIS_HOST: "127.0.0.1",
      QUEUE_BULL_REDIS_PORT: port,
      // A worker that died is missed within seconds.
      QUEUE_WORKER_LOCK_DURATION: "6000",
      QUEUE_WORKER_LOCK_RENEW_TIME: "2000",
      QUEUE_WORKER_STALLED_INTERVAL: "3000",
      N8N_DISABLE_PRODUCTION_MAIN_PROCESS: "true",
      N8N_DEFAULT_BINARY_DATA_MODE: "database",
    };
    n8n = await N8n.start(join(dir, "n8n"), { settings });
    processes.push(n8n.process);
    const hookPort = await freePort();
    hooks = `http://127.0.0.1:${hookPort}`;
    processes.push(await n8n.further("webhook", ["webhook"], { N8N_PORT: String(hookPort) }));
    await until("the webhook processor", async () => (await fetch(`${hooks}/healthz`)).ok, { limitMs: 300_000 });

    const own = await credentials(n8n, core);
    const hook = node("Hook", "n8n-nodes-base.webhook", 2, { httpMethod: "POST", path: PATH, responseMode: "onReceived", options: {} }, { webhookId: PATH });
    const content = {
      resource: "post",
      operation: "publish",
      accounts: [`tiktok:${w.tiktok}`],
      videoUrl: simulator.video("queue"),
      caption: "={{ $json.body.caption }}",
      privacyLevel: "PUBLIC_TO_EVERYONE",
      waitForResult: true,
    };
    const publish = auraReels("Publish", content, own, { typeVersion: 2 });
    publishing = await n8n.rest.create(workflow("Publish by a worker", [hook, publish]));
    await n8n.rest.publish(publishing);
    const events = trigger("Event", { events: ["post_published"], options: {} }, own);
    listening = await n8n.rest.create(workflow("Listen in the main process", [events, node("Then", "n8n-nodes-base.noOp", 1)]));
    await n8n.rest.publish(listening);
  });
  after(async () => {
    for (const one of processes.toReversed()) {
      await one.stop();
    }
  });

  test("asked twice, two workers work on it: one post, and its event starts one execution", async () => {
    const workers = [await worker("worker-1"), await worker("worker-2")];
    const caption = "Asked of two workers";
    await until("the webhook", async () => (await call(caption)) === 200);
    await call(caption);
    const executions = await n8n.rest.ends(publishing, 2);
    assert.deepEqual(executions.map(({ status }) => status), ["success", "success"], JSON.stringify(executions[0].error));
    assert.deepEqual(executions.map((one) => one.json("Publish")[0].status), ["published", "published"]);
    assert.equal((await simulator.visible(caption)).length, 1);
    for (const one of workers) {
      assert.match(one.output(), /started execution/i);
    }
    const [heard] = await n8n.rest.ends(listening);
    assert.equal(heard.mode, "trigger");
    assert.equal(heard.json("Event")[0].post_id, executions[0].json("Publish")[0].id);
    for (const one of workers) {
      await one.stop();
    }
  });

  test("a worker is killed in mid-call, and another one takes over: one post", async () => {
    const caption = "Its worker was killed";
    const first = await worker("worker-3");
    const { id: held } = await simulator.fault({ operation: "tiktok.upload_last_chunk" }, undefined, { hold: "before" });
    await call(caption);
    const post = await until("the core's post", async () => (await core.captioned(caption))[0]);
    await first.kill();
    await simulator.post(`faults/${held}/release`);
    await worker("worker-4");
    // n8n runs it again, or counts it as crashed: either way nothing is posted twice.
    await n8n.rest.ends(publishing, 3, 300_000);
    await until("the end of the post", async () => (await core.post(post.id)).status === PostStatus.PUBLISHED);
    assert.equal((await simulator.visible(caption)).length, 1);
  });
});
