// The node as it is used every day: rows of a sheet with empty and odd cells, files, items that are traced back to their rows, and
// an AI agent that publishes by itself.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Listener } from "./rig/listener.js";
import { auraReels, node, start, workflow } from "./rig/workflow.js";
import { world } from "./rig/world.js";

/** What TikTok does with the next video: it refuses the text, for good. */
const REFUSED = { processing_seconds: 0.1, outcome: "fail", fail_reason: "spam_risk_text", tasks: 1 };

const w = await world();
const { n8n, core, simulator, tiktok, instagram, credentials } = w;
const run = async (made) => n8n.rest.run(await n8n.rest.create(made));

/** A node that puts out these rows. */
function rows(list) {
  const jsCode = `return ${JSON.stringify(list)}.map((json) => ({ json }))`;
  return node("Rows", "n8n-nodes-base.code", 2, { jsCode });
}

/** A Publish whose fields come from the columns of a row. */
function publish(parameters = {}) {
  const content = {
    resource: "post",
    operation: "publish",
    accounts: "={{ $json.account }}",
    videoUrl: "={{ $json.video }}",
    caption: "={{ $json.caption }}",
    privacyLevel: "={{ $json.privacy }}",
    whenPostFails: "sameOutput",
  };
  return auraReels("Publish", { ...content, ...parameters }, credentials, { typeVersion: 2 });
}

describe("a sheet", () => {
  test("empty cells are fields that were not filled in; odd cells are refused by name, row by row", async () => {
    const video = simulator.video("sheet");
    const row = { account: String(tiktok), video, caption: "", privacy: "PUBLIC", comments: "", brand: "", tags: "" };
    const list = [
      { ...row, caption: "Sheet: all cells empty", comments: null, brand: null, tags: null },
      { ...row, caption: "Sheet: all cells filled", account: `${tiktok}.0`, comments: "FALSE", brand: "yes", tags: "#a #b" },
      { ...row, caption: { text: "Sheet: an object" } },
      { ...row, caption: "Sheet: no account", account: "" },
      { ...row, caption: "Sheet: no video", video: null },
      { ...row, caption: "Sheet: an odd switch", brand: "maybe" },
      { ...row, caption: 2031 },
    ];
    const columns = {
      hashtags: "={{ $json.tags }}",
      additionalFields: { allowComments: "={{ $json.comments }}" },
      tiktokOptions: { brandContentToggle: "={{ $json.brand }}" },
    };
    const execution = await run(workflow("Rows with odd cells", [start(), rows(list), publish(columns)]));
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    const items = execution.items("Publish");
    assert.deepEqual(items.map(({ pairedItem }) => pairedItem.item), list.map((_, index) => index));
    const told = items.map(({ json }) => [json.status, /^"?[A-Z]\w+( \w+)*"?/.exec(json.error?.message ?? "")?.[0] ?? ""]);
    assert.deepEqual(told, [
      ["published", ""],
      ["published", ""],
      ["not_sent", '"Caption"'],
      ["not_sent", "No account is selected"],
      ["not_sent", '"Video URL"'],
      ["not_sent", '"Paid Partnership"'],
      ["published", ""],
    ]);
    const [plain, filled] = await Promise.all(items.slice(0, 2).map(({ json }) => core.post(json.id)));
    assert.equal(plain.allowComments, undefined);
    assert.equal(filled.allowComments, false);
    assert.match(filled.fullCaption, /#a #b/);
    const visible = await simulator.visible("Sheet: all cells");
    assert.equal(visible.length, 2);
    assert.equal((await simulator.visible("2031")).length, 1);
  });

  test("each post leads back to its row, on two accounts and by both outputs", async () => {
    await simulator.post("tiktok/behaviour", REFUSED);
    const list = ["fails on TikTok", "goes out"].map((caption, index) => ({ row: index + 2, caption: `Traced: ${caption}`, video: simulator.video(`traced-${index}`), privacy: "PUBLIC" }));
    const accounts = `={{ [${tiktok}, ${instagram}] }}`;
    const act = publish({ accounts, whenPostFails: "secondOutput" });
    const report = (name) => node(name, "n8n-nodes-base.set", 3.4, {
      assignments: { assignments: [{ id: "1", name: "line", type: "string", value: "={{ $('Rows').item.json.row }} {{ $json.platform }} {{ $json.status }}" }] },
      options: {},
    });
    const made = workflow("Rows traced", [start(), rows(list), act, report("Went Out")]);
    made.nodes.push(report("Failed"));
    made.connections.Publish.main[1] = [{ node: "Failed", type: "main", index: 0 }];
    const execution = await run(made);
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    const lines = (name) => execution.json(name).map(({ line }) => line);
    assert.deepEqual(lines("Went Out").sort(), ["2 instagram published", "3 instagram published", "3 tiktok published"]);
    assert.deepEqual(lines("Failed"), ["2 tiktok failed"]);
  });
});

describe("files", () => {
  test("each item's own file goes out; a binary field that an item has not is named", async () => {
    const fetched = node("Fetch", "n8n-nodes-base.httpRequest", 4.2, { url: "={{ $json.video }}", options: { response: { response: { responseFormat: "file", outputPropertyName: "clip" } } } });
    const list = [0, 1, 2].map((index) => ({ video: simulator.video(`file-${index}`) }));
    const field = '={{ $itemIndex === 2 ? "cover" : "clip" }}';
    const act = publish({ accounts: [tiktok], privacyLevel: "PUBLIC", videoSource: "binary", binaryPropertyName: field, caption: "=File {{ $itemIndex }}" });
    const execution = await run(workflow("Files", [start(), rows(list), fetched, act]));
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    const items = execution.json("Publish");
    assert.deepEqual(items.map(({ status }) => status), ["published", "published", "not_sent"]);
    assert.match(items[2].error.message, /cover/);
    assert.equal((await simulator.visible("File ")).length, 2);
  });
});

describe("an AI agent", () => {
  /** A model that calls the tool with these arguments, and then says what the tool told it. */
  function model(toolArguments) {
    return Listener.start(({ body }) => {
      const answers = body.messages.filter(({ role }) => role === "tool");
      const call = { id: "call-1", type: "function", function: { name: body.tools?.[0]?.function.name, arguments: JSON.stringify(toolArguments) } };
      const message = answers.length > 0 ? { role: "assistant", content: `The tool said: ${answers.at(-1).content}` } : { role: "assistant", content: null, tool_calls: [call] };
      return {
        id: "chatcmpl-1",
        object: "chat.completion",
        created: 0,
        model: body.model,
        choices: [{ index: 0, message, finish_reason: answers.length > 0 ? "stop" : "tool_calls" }],
        usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
      };
    });
  }

  /** Has an agent publish; what it said at the end. */
  async function agent(t, name, toolArguments) {
    const chat = await model(toolArguments);
    t.after(() => chat.close());
    const openAiApi = await n8n.rest.credential("openAiApi", "OpenAI", { apiKey: "sk-of-a-test", url: `${chat.address}/v1` });
    const languageModel = node("Model", "@n8n/n8n-nodes-langchain.lmChatOpenAi", 1.2, { model: { __rl: true, mode: "list", value: "gpt-4.1-mini" }, options: {} }, { credentials: { openAiApi } });
    const tool = {
      ...publish({
        accounts: "={{ $fromAI('account', 'handle of the account', 'string') }}",
        videoUrl: "={{ $fromAI('video', 'address of the video', 'string') }}",
        caption: "={{ $fromAI('caption', 'what to say', 'string') }}",
        privacyLevel: "PUBLIC",
      }),
      name: "Publish",
      type: "n8n-nodes-aurareels.auraReelsTool",
    };
    delete tool.parameters.whenPostFails;
    const act = node("Agent", "@n8n/n8n-nodes-langchain.agent", 3, { promptType: "define", text: "Publish it", options: {} });
    const made = workflow(name, [start(), act]);
    made.nodes.push(languageModel, tool);
    made.connections.Model = { ai_languageModel: [[{ node: "Agent", type: "ai_languageModel", index: 0 }]] };
    made.connections.Publish = { ai_tool: [[{ node: "Agent", type: "ai_tool", index: 0 }]] };
    const execution = await run({ ...made, settings: { executionOrder: "v1" } });
    assert.equal(execution.status, "success", JSON.stringify(execution.error));
    return execution.json("Agent")[0].output;
  }

  test("publishes with what the model says, and hears where the post is", async (t) => {
    const { accountUsername } = await core.client.accounts.getAccount({ id: BigInt(instagram) });
    const output = await agent(t, "Agent", { account: `@${accountUsername}`, video: simulator.video("agent"), caption: "The agent wrote this" });
    assert.match(output, /published/);
    assert.match(output, /https:\/\/www\.instagram\.com\/reel\//);
    assert.equal((await simulator.visible("The agent wrote this")).length, 1);
  });

  test("hears why nothing was posted, and which accounts there are", async (t) => {
    const output = await agent(t, "Agent that errs", { account: "@nobody", video: simulator.video("agent-2"), caption: "Nobody sees this" });
    assert.match(output, /No connected account is called/);
    assert.match(output, /Connected accounts: /);
    assert.equal((await simulator.visible("Nobody sees this")).length, 0);
  });
});
