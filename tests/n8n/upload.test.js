// A large video from an n8n binary field to a visible post: it flows through n8n, it does not pile up there.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createWriteStream, rmSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { node, auraReels, start, workflow } from "./rig/workflow.js";
import { sleep } from "./rig/wait.js";
import { world } from "./rig/world.js";

const MIB = 1024 * 1024;
const w = await world();
const { n8n, simulator } = w;

/** A workflow that reads a file into a binary field and publishes it. */
function publishing(file, caption) {
  const read = node("Read Video", "n8n-nodes-base.readWriteFile", 1.1, { operation: "read", fileSelector: file, options: {} });
  const parameters = { ...w.publication(caption, { waitForResult: true }), videoSource: "binary", binaryPropertyName: "data" };
  delete parameters.videoUrl;
  return n8n.rest.create(workflow(caption, [start(), read, auraReels("AuraReels", parameters, w.credentials)]));
}

/** Stores a video of the simulator's media host where n8n may read it. */
async function stored(name, size) {
  const file = join(n8n.files, `${name}.mp4`);
  const answer = await fetch(simulator.video(name, { size: String(size), duration: "60" }));
  assert.ok(answer.ok, await (answer.ok ? "" : answer.text()));
  await pipeline(Readable.fromWeb(answer.body), createWriteStream(file));
  return file;
}

describe("a video in a binary field", () => {
  test("500 MiB become a visible post while n8n grows by less than 64 MiB", { timeout: 600_000 }, async () => {
    // Whatever n8n loads and compiles at the first upload is not the video's.
    const small = await stored("small", 3 * MIB);
    const warm = await n8n.rest.run(await publishing(small, "A small video"));
    assert.equal(warm.status, "success", JSON.stringify(warm.error));

    const file = await stored("large", 500 * MIB);
    const made = await publishing(file, "Half a gibibyte");
    const before = n8n.memory();
    let most = before;
    const id = await n8n.rest.start(made);
    let over = false;
    const sampling = (async () => {
      while (!over) {
        most = Math.max(most, n8n.memory());
        await sleep(50);
      }
    })();
    const execution = await n8n.rest.finished(id, 500_000).finally(() => {
      over = true;
    });
    await sampling;
    rmSync(file);
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    assert.equal(execution.json("AuraReels")[0].status, "published");
    const posts = await simulator.visible("Half a gibibyte");
    assert.equal(posts.length, 1);
    const grown = (most - before) / MIB;
    console.log(`n8n grew by ${grown.toFixed(1)} MiB over ${(before / MIB).toFixed(0)} MiB`);
    assert.ok(grown < 64, `${grown} MiB`);
  });
});
