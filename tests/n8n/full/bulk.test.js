// A thousand rows of a sheet on two accounts each, through one node: everything is accounted for, and what n8n takes is printed.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Platform } from "../../clients/node/clients.js";
import { auraReels, node, start, workflow } from "../rig/workflow.js";
import { world } from "../rig/world.js";

const ROWS = 1000;
const LIMIT_MS = 900_000;
const MIB = 1024 * 1024;

const w = await world();
const { n8n, simulator } = w;
// Not the account of the other tests: its quota is used up afterwards.
const { accounts } = await w.core.client.accounts.listAccounts({ platform: Platform.INSTAGRAM });
const instagram = accounts.map(({ id }) => Number(id)).find((id) => id !== w.instagram);

/** Nodes that make the rows. The text that each row posts begins with this. */
function rows(text) {
  const jsCode = `return Array.from({ length: ${ROWS} }, (_, n) => ({ json: { n, caption: "${text} " + n } }))`;
  return [start(), node("Rows", "n8n-nodes-base.code", 2, { jsCode })];
}

/** Runs a workflow by hand; its execution, and how much n8n grew at most. */
async function run(made) {
  const before = n8n.memory();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, n8n.memory())), 100);
  const execution = await n8n.rest.finished(await n8n.rest.start(await n8n.rest.create(made)), LIMIT_MS);
  clearInterval(timer);
  assert.equal(execution.status, "success", JSON.stringify(execution.error));
  return { execution, grown: (most - before) / MIB, over: before / MIB };
}

function told(what, name, { execution, grown, over }) {
  const seconds = (execution.runs(name)[0].executionTime / 1000).toFixed(1);
  console.log(`${what}: ${seconds} s, n8n grows by ${grown.toFixed(0)} MiB over ${over.toFixed(0)} MiB`);
}

describe(`${ROWS} rows on two accounts`, () => {
  const parameters = {
    resource: "post",
    accounts: [`tiktok:${w.tiktok}`, `instagram:${instagram}`],
    videoUrl: `=${simulator.media}/v/row-{{ $json.n }}.mp4`,
    caption: "={{ $json.caption }}",
    privacyLevel: "PUBLIC",
    whenPostFails: "sameOutput",
  };
  const act = (more) => auraReels("AuraReels", { ...parameters, ...more }, w.credentials, { typeVersion: 2 });

  test("what n8n takes by itself, for as many rows and expressions", { timeout: LIMIT_MS }, async () => {
    const values = { video: parameters.videoUrl, caption: parameters.caption, privacy: "={{ 'PUBLIC' }}" };
    const assignments = Object.entries(values).map(([name, value]) => ({ id: name, name, type: "string", value }));
    const edit = node("Edit", "n8n-nodes-base.set", 3.4, { assignments: { assignments }, options: {} });
    told("n8n's own Edit Fields", "Edit", await run(workflow("Rows without us", [...rows("None"), edit])));
  });

  test("scheduled: each once, paired with its row; the same again makes nothing new", { timeout: 2 * LIMIT_MS }, async () => {
    // Before the times of the other tests, whose posts then still stand on the first page of a list.
    const schedule = () => workflow("Schedule rows", [...rows("Row of a sheet"), act({ operation: "schedule", scheduledAt: "2031-01-01T07:08:09Z" })]);
    for (const existed of [false, true]) {
      const done = await run(schedule());
      const items = done.execution.items("AuraReels");
      assert.equal(items.length, 2 * ROWS);
      assert.deepEqual(items.filter(({ json }) => json.error || json.existed !== existed), []);
      assert.ok(items.every(({ pairedItem }, index) => pairedItem.item === Math.floor(index / 2)));
      assert.equal(new Set(items.map(({ json }) => json.id)).size, 2 * ROWS);
      told(existed ? "the same again" : "Schedule", "AuraReels", done);
    }
  });

  test("published and waited for: each visible once", { timeout: LIMIT_MS }, async () => {
    // Instagram's own limits would have the second half wait until tomorrow.
    await simulator.post("meta/behaviour", { set: { quota_total: 10_000, container_limit: 10_000 } });
    const made = workflow("Publish rows", [...rows("Row that goes out"), act({ operation: "publish" })]);
    const done = await run(made);
    const items = done.execution.json("AuraReels");
    assert.equal(items.length, 2 * ROWS);
    assert.deepEqual(items.filter(({ status }) => status !== "published").slice(0, 3), []);
    assert.equal((await simulator.visible("Row that goes out")).length, 2 * ROWS);
    told("Publish, with its results", "AuraReels", done);
    await simulator.post("meta/behaviour", { set: { quota_total: 50, container_limit: 400 } });
  });
});
