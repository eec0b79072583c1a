// A large video from an n8n binary field to a visible post: it flows through n8n, it does not pile up there.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { createWriteStream, rmSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { Listener } from "../rig/listener.js";
import { node, auraReels, start, workflow } from "../rig/workflow.js";
import { sleep, until } from "../rig/wait.js";
import { world } from "../rig/world.js";

const MIB = 1024 * 1024;
const CAPTION = "Half a gibibyte";
/** n8n's memory has come to rest when it stays within these bounds for this long. */
const RESTS = { within: 2 * MIB, forMs: 10_000, limitMs: 90_000 };

const w = await world();
const { n8n, simulator } = w;

// What a workflow asks once it has read a file; its answer is held back until the test lets the workflow go on.
let goOn;
let mayGoOn;
const gate = await Listener.start(() => mayGoOn);
after(() => gate.close());

/** A workflow that reads a file into a binary field, asks whether to go on, and publishes it. */
function publishing(file, caption) {
  const read = node("Read Video", "n8n-nodes-base.readWriteFile", 1.1, { operation: "read", fileSelector: file, options: {} });
  const ask = node("Ask", "n8n-nodes-base.httpRequest", 4.2, { url: gate.address, options: {} });
  const parameters = { ...w.publication(caption, { waitForResult: true }), videoSource: "binary", binaryPropertyName: "data" };
  delete parameters.videoUrl;
  const publish = auraReels("AuraReels", parameters, w.credentials);
  const made = workflow(caption, [start(), read, ask], [["Read Video", "AuraReels"]]);
  // Of two branches n8n runs the upper one first. So the binary field itself goes to the node, not what was answered.
  publish.position = [ask.position[0], ask.position[1] + 300];
  made.nodes.push(publish);
  return n8n.rest.create({ ...made, settings: { executionOrder: "v1" } });
}

/** Stores a video of the simulator's media host where n8n may read it. */
async function stored(name, size) {
  const file = join(n8n.files, `${name}.mp4`);
  const answer = await fetch(simulator.video(name, { size: String(size), duration: "60" }));
  assert.ok(answer.ok, await (answer.ok ? "" : answer.text()));
  await pipeline(Readable.fromWeb(answer.body), createWriteStream(file));
  return file;
}

/** Watches n8n's memory until it is told to stop; the most that was seen. */
function watched() {
  let most = n8n.memory();
  const timer = setInterval(() => (most = Math.max(most, n8n.memory())), 50);
  return () => {
    clearInterval(timer);
    return most;
  };
}

/** n8n's memory once it rests, or what it has come to by then. */
async function rested() {
  const end = performance.now() + RESTS.limitMs;
  let [memory, since] = [n8n.memory(), performance.now()];
  while (performance.now() < end && performance.now() - since < RESTS.forMs) {
    await sleep(200);
    const now = n8n.memory();
    if (Math.abs(now - memory) > RESTS.within) {
      [memory, since] = [now, performance.now()];
    }
  }
  return n8n.memory();
}

describe("a video in a binary field", () => {
  test("500 MiB become a visible post while n8n grows by less than 64 MiB", { timeout: 900_000 }, async () => {
    // Whatever n8n loads and compiles at the first upload is not the video's.
    mayGoOn = {};
    const small = await stored("small", 3 * MIB);
    const warm = await n8n.rest.run(await publishing(small, "A small video"));
    assert.equal(warm.status, "success", JSON.stringify(warm.error));

    mayGoOn = new Promise((resolve) => (goOn = resolve));
    const file = await stored("large", 500 * MIB);
    const made = await publishing(file, CAPTION);
    const first = await rested();
    const reading = watched();
    const asked = gate.calls.length;
    const id = await n8n.rest.start(made);
    await until("the binary field", () => gate.calls.length > asked, { limitMs: 120_000 });
    const read = reading();
    // What n8n used to read the file is gone before ours is counted: nothing of ours may hide in it.
    const before = await rested();
    const uploading = watched();
    goOn({});
    // Each look at n8n's own interface costs it half a megabyte; so it is left alone until the post is there.
    await until("the visible post", async () => (await simulator.visible(CAPTION)).length > 0, {
      limitMs: 600_000,
      everyMs: 1000,
    });
    const most = uploading();
    const execution = await n8n.rest.finished(id);
    rmSync(file);
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    assert.equal(execution.json("AuraReels")[0].status, "published");
    assert.equal((await simulator.visible(CAPTION)).length, 1);
    const mib = (bytes) => (bytes / MIB).toFixed(1);
    console.log(`n8n grows by ${mib(read - first)} MiB over ${mib(first)} MiB while it reads the file into a binary field`);
    console.log(`n8n grows by ${mib(most - before)} MiB over ${mib(before)} MiB from the binary field to the visible post`);
    assert.ok(most - before < 64 * MIB, `${mib(most - before)} MiB`);
  });
});
