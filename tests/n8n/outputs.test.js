// What becomes of posts that do not go out, in the real n8n: in a loop, behind a webhook, in a sub-workflow, with an error
// workflow. The recipes of the package's README, each with failing items, each item accounted for.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { until } from "./rig/wait.js";
import { auraReels, node, start, workflow } from "./rig/workflow.js";
import { world } from "./rig/world.js";

/** What TikTok does with the next video: it refuses the text, for good. */
const REFUSED = { processing_seconds: 0.1, outcome: "fail", fail_reason: "spam_risk_text", tasks: 1 };

const TOO_LONG = "x".repeat(2300);

const w = await world();
const { n8n, simulator, tiktok, credentials } = w;

/** A Publish of today's version; what it posts comes from `caption` of its input unless said otherwise. */
function publish(parameters = {}, more = {}) {
  const content = {
    resource: "post",
    operation: "publish",
    accounts: [`tiktok:${tiktok}`],
    videoUrl: simulator.video("outputs"),
    caption: "={{ $json.caption }}",
    privacyLevel: "PUBLIC_TO_EVERYONE",
    waitForResult: true,
  };
  return auraReels("Publish", { ...content, ...parameters }, credentials, { typeVersion: 2, ...more });
}

/** Nodes that make one item per caption. */
function items(captions) {
  const assignment = { id: "1", name: "caption", type: "array", value: `={{ ${JSON.stringify(captions)} }}` };
  return [
    start(),
    node("Captions", "n8n-nodes-base.set", 3.4, { assignments: { assignments: [assignment] }, options: {} }),
    node("Items", "n8n-nodes-base.splitOut", 1, { fieldToSplitOut: "caption", options: {} }),
  ];
}

const run = async (made) => n8n.rest.run(await n8n.rest.create(made));
const statuses = (list) => list.map(({ status }) => status);

/** One that the platform fails, one that the core refuses, one that goes out. */
async function mixed(name) {
  await simulator.post("tiktok/behaviour", REFUSED);
  return [`${name}: fails`, TOO_LONG, `${name}: goes out`];
}

describe("when a post fails", () => {
  test("in a loop: every item is worked on, and Done runs once", async () => {
    const captions = await mixed("Loop");
    const loop = node("Loop", "n8n-nodes-base.splitInBatches", 3, { options: {} });
    const done = node("Done", "n8n-nodes-base.noOp", 1);
    const made = workflow("Loop with failing posts", [...items(captions), loop]);
    made.nodes.push(publish({ whenPostFails: "sameOutput" }), done);
    made.connections.Loop = { main: [[to("Done")], [to("Publish")]] };
    made.connections.Publish = { main: [[to("Loop")]] };
    const execution = await run(made);
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    assert.equal(execution.runs("Publish").length, 3);
    assert.equal(execution.runs("Done").length, 1);
    const ended = execution.json("Done");
    assert.deepEqual(statuses(ended), ["failed", "refused", "published"]);
    assert.deepEqual(ended.map(({ error }) => !!error), [true, true, false]);
    assert.equal((await simulator.visible("Loop: goes out")).length, 1);
  });

  test("behind a webhook that answers with the last node's data: the caller reads what happened", async () => {
    const hook = node("Hook", "n8n-nodes-base.webhook", 2, { httpMethod: "POST", path: "publish-and-tell", responseMode: "lastNode", options: {} }, { webhookId: "publish-and-tell" });
    const parameters = { caption: "={{ $json.body.caption }}", whenPostFails: "sameOutput" };
    const made = await n8n.rest.create(workflow("Publish and tell", [hook, publish(parameters)]));
    await n8n.rest.publish(made);
    const call = (caption) => n8n.rest.webhook("publish-and-tell", { caption });
    const refused = await until("the webhook", async () => {
      const answer = await call(TOO_LONG);
      return answer.status !== 404 && answer;
    });
    assert.equal(refused.status, 200, refused.text);
    const told = JSON.parse(refused.text);
    assert.equal(told.status, "refused");
    assert.ok(told.error.message && told.error.remediation, refused.text);

    await simulator.post("tiktok/behaviour", REFUSED);
    assert.equal(JSON.parse((await call("Hook: fails")).text).status, "failed");
    const live = JSON.parse((await call("Hook: goes out")).text);
    assert.equal(live.status, "published");
    assert.match(live.url, /^https?:/);
    await n8n.retire(made);
  });

  test("in a sub-workflow: every item comes back to the caller, in order", async () => {
    const captions = await mixed("Sub");
    const child = workflow("Publish each", [
      node("Called", "n8n-nodes-base.executeWorkflowTrigger", 1.1, { inputSource: "passthrough" }),
      publish({ whenPostFails: "sameOutput" }),
    ]);
    const parameters = { source: "parameter", workflowJson: JSON.stringify({ ...child, settings: {} }), options: { waitForSubWorkflow: true } };
    const caller = node("Call", "n8n-nodes-base.executeWorkflow", 1.2, parameters);
    const execution = await run(workflow("Calls a sub-workflow", [...items(captions), caller]));
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    assert.deepEqual(statuses(execution.json("Call")), ["failed", "refused", "published"]);
  });

  test("who wires nothing: the execution fails, and the error workflow starts", async () => {
    const alarm = await n8n.rest.create(
      workflow("Alarm", [node("Alarm", "n8n-nodes-base.errorTrigger", 1), node("Then", "n8n-nodes-base.noOp", 1)]),
    );
    await n8n.rest.publish(alarm);
    const hook = node("Hook", "n8n-nodes-base.webhook", 2, { httpMethod: "POST", path: "publish-or-alarm", responseMode: "onReceived", options: {} }, { webhookId: "publish-or-alarm" });
    const nodes = [hook, publish({ caption: "={{ $json.body.caption }}" })];
    const made = await n8n.rest.create({ ...workflow("Publish or alarm", nodes), settings: { errorWorkflow: alarm.id } });
    await n8n.rest.publish(made);
    await simulator.post("tiktok/behaviour", REFUSED);
    await until("the webhook", async () => (await n8n.rest.webhook("publish-or-alarm", { caption: "Alarm: fails" })).status === 200);
    const [execution] = await n8n.rest.ends(made);
    assert.equal(execution.status, "error");
    assert.match(execution.error.message, /^Post \d+ on TikTok @\S+ failed: /);
    const [alarmed] = await n8n.rest.ends(alarm);
    const [{ execution: told }] = alarmed.json("Alarm");
    assert.equal(told.error.message, execution.error.message);
    await n8n.retire(made);
    await n8n.rest.unpublish(alarm);
  });

  test("by a second output, and by n8n's own error output", async () => {
    const second = await run(workflow("Second output", [...items(await mixed("Second")), publish({ whenPostFails: "secondOutput" })]));
    assert.equal(second.status, "success", JSON.stringify(second.error));
    assert.deepEqual(statuses(second.json("Publish", 0)), ["published"]);
    assert.deepEqual(statuses(second.json("Publish", 1)), ["failed", "refused"]);
    assert.deepEqual(second.items("Publish", 1).map(({ pairedItem }) => pairedItem.item), [0, 1]);

    const own = { onError: "continueErrorOutput" };
    const error = await run(workflow("Error output", [...items(await mixed("Error")), publish({}, own)]));
    assert.equal(error.status, "success", JSON.stringify(error.error));
    assert.deepEqual(statuses(error.json("Publish", 0)), ["published"]);
    const failed = error.json("Publish", 1);
    assert.deepEqual(failed.map(({ details }) => details.status), ["failed", "refused"]);
    assert.ok(failed.every(({ error: { code, message }, caption }) => code && message && caption), JSON.stringify(failed));
  });
});

function to(name) {
  return { node: name, type: "main", index: 0 };
}
