// n8n lives, whatever becomes of the core or of our native module, and its user reads what to do.

import assert from "node:assert/strict";
import { existsSync, globSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";

import { OWN_EXIT } from "../rig/n8n.js";
import { Proxy } from "../rig/proxy.js";
import { stopWhen } from "../rig/stop-when.js";
import { sleep, until } from "../rig/wait.js";
import { auraReels, node, start, trigger, workflow } from "../rig/workflow.js";
import { apiCredential, world } from "../rig/world.js";

const w = await world();
const { core, n8n, simulator } = w;

const lives = async () => assert.ok(n8n.process.alive && (await n8n.rest.ready()), n8n.process.tail());

describe("a core that dies", () => {
  test("in mid-call: an error that says where the core should be", async () => {
    const proxy = await Proxy.start(core.port);
    const auraReelsApi = await n8n.rest.credential("auraReelsApi", "To be cut", apiCredential(core, proxy.address));
    const act = auraReels("AuraReels", { resource: "account", operation: "getAll" }, { auraReelsApi });
    const made = await n8n.rest.create(workflow("Cut in mid-call", [start(), act]));
    proxy.swallowAnswers();
    const id = await n8n.rest.start(made);
    await sleep(700);
    await core.kill();
    const execution = await n8n.rest.finished(id);
    assert.equal(execution.status, "error");
    assert.ok(execution.error.message.includes(proxy.address), execution.error.message);
    assert.ok(execution.error.description, "and what to do");
    await lives();
    await core.serve();
    await proxy.close();
  });

  test("in mid-stream, while a node waits for a result: it waits on and gets it", async () => {
    // The platform has the video; the core dies before it hears so.
    const { id: hold } = await simulator.fault({ operation: "tiktok.upload_last_chunk" }, undefined, { hold: "after" });
    const caption = "Waited for over a dead core";
    const act = auraReels("AuraReels", w.publication(caption, { waitForResult: true }), w.credentials);
    const id = await n8n.rest.start(await n8n.rest.create(workflow(caption, [start(), act])));
    await until("the upload", async () => {
      const { requests } = await simulator.get("requests?operation=tiktok.upload_last_chunk&limit=1");
      return requests.length > 0;
    });
    await core.kill();
    await simulator.post(`faults/${hold}/release`);
    await core.serve();
    const execution = await n8n.rest.finished(id);
    await lives();
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    assert.equal(execution.json("AuraReels")[0].status, "published");
    assert.equal((await simulator.visible(caption)).length, 1);
  });
});

describe("an execution that its user stops", () => {
  let proxy;
  let auraReelsApi;
  before(async () => {
    proxy = await Proxy.start(core.port);
    auraReelsApi = await n8n.rest.credential("auraReelsApi", "To be stopped", apiCredential(core, proxy.address));
  });
  beforeEach(() => {
    proxy.givenUp = false;
  });
  after(() => proxy.close());

  /** Starts a node, waits until the core was called, and stops the execution. */
  async function stopOnce(method, parameters) {
    const act = auraReels("AuraReels", parameters, { auraReelsApi });
    const made = await n8n.rest.create(workflow(`Stopped at ${method}`, [start(), act]));
    assert.equal(proxy.givenUp, false);
    const before = await core.calls(method);
    await stopWhen(`a call of ${method}`, async () => (await core.calls(method)) > before, n8n.rest, made);
    await until("a call that is given up", () => proxy.givenUp);
    await lives();
  }

  test("in mid-call: the call is given up", async () => {
    proxy.swallowAnswers();
    await stopOnce("ListAccounts", { resource: "account", operation: "getAll" });
    proxy.carryOn();
    proxy.cut();
  });

  test("while it waits for a result: the stream is closed, and the post goes on", async () => {
    const { id: hold } = await simulator.fault({ operation: "tiktok.upload_last_chunk" }, undefined, { hold: "before" });
    const caption = "Its execution was stopped";
    await stopOnce("WatchPosts", w.publication(caption, { waitForResult: true }));
    await simulator.post(`faults/${hold}/release`);
    await until("the visible post", async () => (await simulator.visible(caption)).length === 1);
  });
});

describe("stopping n8n", () => {
  let listening;
  let ticking;
  /** How long n8n takes without our package, in milliseconds. */
  let bare;
  before(async () => {
    await n8n.restart(OWN_EXIT);
    // With and without our package, n8n has a published workflow to close.
    const rule = { interval: [{ field: "hours" }] };
    const tick = [node("Tick", "n8n-nodes-base.scheduleTrigger", 1.2, { rule }), node("Then", "n8n-nodes-base.noOp", 1)];
    ticking = await n8n.rest.create(workflow("Every hour", tick));
    await n8n.rest.publish(ticking);
    const nodes = [trigger("Event", { events: ["post_published"], options: {} }, w.credentials), node("Then", "n8n-nodes-base.noOp", 1)];
    listening = await n8n.rest.create(workflow("Open stream", nodes));
    const before = await core.calls("WatchPosts");
    await n8n.rest.publish(listening);
    await until("an open stream", async () => (await core.calls("WatchPosts")) > before);
    // A trigger that has had events has a position to store.
    await w.act(w.publication("An event before the stop", { waitForResult: true }));
    await n8n.rest.ends(listening);
  });
  after(async () => {
    await n8n.rest.unpublish(ticking);
    await n8n.rest.unpublish(listening);
  });

  /** Stops n8n; how many milliseconds it took. */
  async function stopped(how) {
    const { code, ms } = await n8n.stop();
    console.log(`n8n stops in ${ms} ms ${how}`);
    assert.equal(code, 0, n8n.process.tail());
    return ms;
  }

  test("takes at most a second more with a trigger's stream open than without our package", async () => {
    const open = await stopped("with a trigger's stream open");
    try {
      await n8n.serve({ ...OWN_EXIT, N8N_COMMUNITY_PACKAGES_PREVENT_LOADING: "true" });
      assert.ok(!(await n8n.rest.nodeTypes()).some(({ name }) => name.includes("aurareels")));
      bare = await stopped("without the package");
    } finally {
      await n8n.restart(OWN_EXIT);
    }
    assert.ok(open <= bare + 1000, `${open} ms and ${bare} ms`);
  });

  test("nor with a node that waits for a result: it says so, and finds the result when it is run again", async () => {
    const { id: hold } = await simulator.fault({ operation: "tiktok.upload_last_chunk" }, undefined, { hold: "before" });
    const caption = "Waited for when n8n was stopped";
    const act = auraReels("AuraReels", w.publication(caption, { waitForResult: true }), w.credentials);
    const opened = await core.calls("WatchPosts");
    const id = await n8n.rest.start(await n8n.rest.create(workflow(caption, [start(), act])));
    await until("the node's stream", async () => (await core.calls("WatchPosts")) > opened);
    const waiting = await stopped("with a node that waits");
    await simulator.post(`faults/${hold}/release`);
    await n8n.serve();
    assert.ok(waiting <= bare + 1000, `${waiting} ms and ${bare} ms`);

    const broken = await n8n.rest.execution(id);
    assert.equal(broken.status, "error", "not crashed: it came to its end");
    assert.match(broken.error.message, /n8n was stopped while the node waited/);
    assert.match(broken.error.description, /Run the node again/);
    const again = await n8n.rest.finished(await n8n.rest.retry(id));
    assert.equal(again.status, "success", JSON.stringify(again.error));
    assert.equal(again.json("AuraReels")[0].existed, true);
    assert.equal(again.json("AuraReels")[0].status, "published");
    assert.equal((await simulator.visible(caption)).length, 1);
  });
});

describe("a native module that does not fit", () => {
  const modules = globSync("dist/**/*.node", { cwd: n8n.packageDir }).map((file) => join(n8n.packageDir, file));
  const list = { resource: "account", operation: "getAll" };

  after(() => {
    for (const file of modules.filter((one) => existsSync(`${one}.away`))) {
      renameSync(`${file}.away`, file);
    }
  });

  async function refused() {
    const execution = await w.act(list);
    assert.equal(execution.status, "error");
    assert.match(execution.error.message, /no native module for linux/i);
    assert.match(execution.error.description, /linux-x64-gnu.*Install the package again/);
    await lives();
    return execution.error.description;
  }

  test("missing: n8n lists the node, and the node says what is missing", async () => {
    assert.ok(modules.length > 0);
    for (const file of modules) {
      renameSync(file, `${file}.away`);
    }
    await n8n.restart();
    const known = await n8n.rest.nodeTypes();
    assert.ok(known.some(({ name }) => name === "n8n-nodes-aurareels.auraReels"));
    await refused();
  });

  test("foreign: the same, with what the system says", async () => {
    for (const file of modules) {
      // The head of an ELF file for ARM64.
      const head = Buffer.from("7f454c460201010000000000000000000300b70001000000", "hex");
      writeFileSync(file, Buffer.concat([head, Buffer.alloc(4096)]));
    }
    assert.match(await refused(), /none of them loads here/);
  });

  test("put right: the next execution works, without a restart", async () => {
    for (const file of modules) {
      renameSync(`${file}.away`, file);
    }
    assert.equal((await w.act(list)).status, "success");
  });
});
